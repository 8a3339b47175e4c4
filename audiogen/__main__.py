"""`python -m audiogen`, and `accelerate launch -m audiogen` on any number of devices."""

from audiogen.cli import main

if __name__ == "__main__":
    main()
