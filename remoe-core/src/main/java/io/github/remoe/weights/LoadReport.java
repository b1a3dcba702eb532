package io.github.remoe.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What became of each tensor of a file of weights, and of each of the network's. Names are timm's
 * ({@link TimmTensors}).
 *
 * @param files the SHA-256 of each file by its name: one file, or all shards
 * @param loaded the tensors that were taken as they are
 * @param resized the tensors that were taken in another size
 * @param fresh the network's tensors that keep the values they had: a head for other classes, and the
 *     experts and gates of ReMoE blocks where the file is of a plain network
 * @param ignored the file's tensors that have no place: a head for other classes, and the
 *     feed-forward network of a layer whose ReMoE block has no global expert
 * @param warnings sentences about what may be wrong
 */
public record LoadReport(
        Map<String, String> files,
        List<String> loaded,
        List<Resized> resized,
        List<String> fresh,
        List<String> ignored,
        List<String> warnings) {

    /**
     * A tensor that was resized.
     *
     * @param name its name
     * @param from its shape in the file
     * @param to its shape in the network
     */
    public record Resized(String name, List<Long> from, List<Long> to) {

        @Override
        public String toString() {
            return name + " from " + from + " to " + to;
        }
    }

    /**
     * Says it in short.
     *
     * @return one line on what was loaded, and one each on what was resized, is new or was ignored and
     *     each warning, if any
     */
    public List<String> summary() {
        List<String> lines = new ArrayList<>();
        int taken = loaded.size() + resized.size();
        lines.add(String.format(
                "%d tensors loaded from %s", taken, String.join(", ", files.keySet())));
        if (!resized.isEmpty()) {
            lines.add("resized: "
                    + resized.stream().map(Resized::toString).collect(Collectors.joining(", ")));
        }
        if (!fresh.isEmpty()) {
            lines.add("new: " + modules(fresh));
        }
        if (!ignored.isEmpty()) {
            lines.add("ignored: " + modules(ignored));
        }
        lines.addAll(warnings);
        return lines;
    }

    /** The modules that tensors belong to; a feed-forward network counts as one. */
    private static String modules(List<String> names) {
        return names.stream()
                .map(name -> name.replaceFirst("(\\.fc[12])?\\.(weight|bias)$", ""))
                .distinct()
                .collect(Collectors.joining(", "));
    }
}
