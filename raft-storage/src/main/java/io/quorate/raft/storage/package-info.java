/**
 * A replica's data directory: {@link io.quorate.raft.storage.FileStorage} keeps identity, hard state and log there, and tells a write
 * that a crash cut off from a disk that lost what it had promised.
 */
@NullMarked
package io.quorate.raft.storage;

import org.jspecify.annotations.NullMarked;
