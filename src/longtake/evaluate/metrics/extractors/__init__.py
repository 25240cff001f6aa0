"""Networks that make features of pictures: published ones where their weights are, stand-ins where they are not."""
