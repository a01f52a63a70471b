-- How many times longer than otherwise what may be slow is waited for: under a sanitizer or valgrind everything is.
return os.getenv "SANITIZER" and 4 or 1
