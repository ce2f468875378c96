"""Labels: levels of theory, sampling, the campaign, the data set and its corrections."""
