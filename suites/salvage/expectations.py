"""What nobody can tell without a fingerprint, and what a cut file costs beside its own pages."""

# a stored value is another one, and nothing else in the store says so: it is taken as it stands
SILENT = {
    "vector_bit", "vector_smallest_bit", "vector_changed", "vector_zeroed", "vectors_swapped",
    "data_level0_bit", "stored_vector_bit", "stored_vector_smallest_bit", "stored_vector_sign",
    "stored_vector_scaled", "stored_vectors_zeroed", "stored_vectors_swapped", "labels_swapped",
    "pickle_ids_swapped", "length_bit", "cosine_length_changed", "cosine_lengths_doubled",
    # the metric that says how the vectors of an index are kept
    "space_changed", "space_changed_below_threshold",
    # the queue's newer versions of records, and the number up to which the index has them, are cut off
    "truncated_half",
    # any bits of the database: one of them may be in a vector of the queue (seen once)
    "random_bits",
}  # fmt: skip

# the bytes are there, and nothing says whose they are: doubtful, left out, listed
DOUBTFUL = {
    "index_metadata_deleted", "index_metadata_empty", "index_metadata_zeroed", "index_metadata_half",
    "index_metadata_bit", "index_metadata_swapped", "older_index_metadata", "pickle_entry_dropped",
    "pickle_entries_dropped", "pickle_id_renamed", "pickle_without_records", "label_changed",
    "rows_marked_deleted", "data_level0_half", "older_data_level0", "length_half", "header_swapped",
    "header_count_high",
    # of the two copies of a document one has a flipped bit
    "random_bits",
}  # fmt: skip

# of a database that ends early, rows stand in it that no page leads to any more
CUT = {"truncated_half": 0.95, "truncated_tail": 0.95}
