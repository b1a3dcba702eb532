/**
 * Layers that DJL has too, computed in the way that is fastest on the device.
 *
 * <p>They are trained, saved and named as DJL's own are.
 */
package io.github.remoe.nn;
