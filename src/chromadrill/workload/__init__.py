"""What is put in, what is asked, and how fast it is answered."""
