"""What the pages Problems and Challenges show: rows of tables, and who works on what."""
