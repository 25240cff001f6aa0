"""What a stopped run left and a resumed run needs."""
