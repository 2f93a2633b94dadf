"""Pictures that go in and come out of the stand-in."""
