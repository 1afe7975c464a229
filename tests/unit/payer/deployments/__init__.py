"""What each deployment file states is seen on the wire of that deployment."""
