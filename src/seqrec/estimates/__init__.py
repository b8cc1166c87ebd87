"""What a training or the data pipelines will take, told without doing them."""
