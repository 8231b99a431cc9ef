"""The version of the compiler and its runtime."""

VERSION = "0.1.0"
