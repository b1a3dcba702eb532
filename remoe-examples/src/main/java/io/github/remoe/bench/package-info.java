/**
 * Measuring side by side with PyTorch in Python: {@link io.github.remoe.bench.Bench} has two kinds of
 * processes do the same work in turns, {@link io.github.remoe.bench.Worker} and, in Python, {@code
 * peer.py}. Both are asked in lines of JSON.
 */
package io.github.remoe.bench;
