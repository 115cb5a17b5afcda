"""A page that loads nothing, light or dark as the reader's system is."""

import html


def page(title: str, body: str, style: str = "") -> str:
    """A whole page; `style` is CSS besides its own."""
    return _PAGE.format(title=html.escape(title), body=body, style=style)


def from_markdown(text: str) -> str:
    """HTML from markdown; what a model wrote is no HTML, and an image would be fetched from elsewhere."""
    from markdown_it import MarkdownIt  # only such a page needs it: it takes long to load

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    return str(parser.render(text))


_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; }}
section {{ border-top: 1px solid #8886; }}
h2 {{ font-size: 0.8rem; font-weight: 600; opacity: 0.6; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }}
code {{ font: 0.9em ui-monospace, monospace; }}
pre code {{ display: block; padding: 0.8rem; background: #8882; border-radius: 6px; }}
.user pre {{ font-weight: 600; }}
.user details pre {{ font-weight: 400; }}
img {{ max-width: 100%; }}
table {{ border-collapse: collapse; }}
td, th {{ border: 1px solid #8886; padding: 0.2rem 0.6rem; }}
{style}</style>
<h1>{title}</h1>
{body}
</html>
"""
