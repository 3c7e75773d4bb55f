//! Every column that names a person is treated.
