package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/** Saved arrays, of which every one must be taken, and as what it is. */
final class NamedArrays {

    private static final int SHOWN = 3;

    private final String title;
    private final Map<String, NDArray> left = new HashMap<>();

    NamedArrays(String title, NDList arrays) {
        this.title = title;
        for (NDArray array : arrays) {
            if (left.put(String.valueOf(array.getName()), array) != null) {
                throw wrong("has two arrays named '%s'", array.getName());
            }
        }
    }

    NDArray take(String name, Shape shape, DataType type) {
        NDArray array = left.remove(name);
        if (array == null) {
            throw wrong("lacks '%s'", name);
        }
        if (!array.getShape().equals(shape) || array.getDataType() != type) {
            throw wrong(
                    "has '%s' as %s of shape %s, expected %s of shape %s",
                    name, array.getDataType(), array.getShape(), type, shape);
        }
        return array;
    }

    void checkAllTaken() {
        if (!left.isEmpty()) {
            throw wrong(
                    "has %d unknown arrays, such as %s",
                    left.size(),
                    new TreeSet<>(left.keySet()).stream().limit(SHOWN).toList());
        }
    }

    private IllegalArgumentException wrong(String what, Object... values) {
        return new IllegalArgumentException(String.format(
                "The saved %s %s. Load what was saved with the same network and the same settings.",
                title, String.format(what, values)));
    }
}
