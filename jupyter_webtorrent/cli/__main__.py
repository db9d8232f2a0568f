"""`python -m jupyter_webtorrent.cli`."""

from jupyter_webtorrent.cli.main import main

if __name__ == "__main__":
    main()
