//! A stand-in for Stokt: the same REST API over a generated or a given board, with faults on request.
