"""The peers: programs that take the options of our `share` and `fetch`, and answer in lines of JSON."""
