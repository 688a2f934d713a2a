/**
 * A transport over TCP: peers and clients come in on one port, are told apart by their handshake, and speak in checksummed frames
 * (docs/wire-format.md).
 */
@NullMarked
package io.quorate.raft.netty;

import org.jspecify.annotations.NullMarked;
