"""What the project costs and saves, measured: run a module of this package from the top of a checkout."""
