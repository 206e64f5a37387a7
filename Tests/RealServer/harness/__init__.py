"""What the tests against a real server stand on: servers, a proxy, trees, and syncd as a user runs it."""
