"""What goes over the wire: addresses, servers, the protocol both ways, and the door to the network."""
