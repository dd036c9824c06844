"""What diners call: flash sales, their claims and orders, the menu."""
