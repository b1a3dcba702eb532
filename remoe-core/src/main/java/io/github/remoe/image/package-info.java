/** Decoded images and how they are brought to the size of a network, in training as afterwards. */
package io.github.remoe.image;
