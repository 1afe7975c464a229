"""Who the members are: names, households, demographics, delegates and credentials."""
