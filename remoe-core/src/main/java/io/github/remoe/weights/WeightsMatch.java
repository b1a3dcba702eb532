package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.ReMoE;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Which tensor of a file goes into which of a network, and what is left over on either side. */
final class WeightsMatch {

    static final String POSITIONS = "pos_embed";

    private static final String PATCHES = "patch_embed.proj.weight";
    private static final Pattern HEAD = Pattern.compile("head(_dist)?\\.(weight|bias)");
    private static final Pattern EXPERTS =
            Pattern.compile(".*\\.mlp\\.(global_expert|center_expert|regional_experts|gate)\\..*");
    private static final Pattern BLOCK = Pattern.compile("blocks\\.(\\d{1,6})\\..*");
    private static final Pattern MLP = Pattern.compile("blocks\\.(\\d{1,6})\\.mlp\\.fc[12]\\..*");
    // A file of something else altogether would fill the screen.
    private static final int MOST_NAMES = 8;
    private static final int MOST_LETTERS = 100;

    private final VisionTransformer vit;
    private final int gridRows;
    private final int gridColumns;
    private final Map<TimmTensors.Tensor, NDArray> pairs = new LinkedHashMap<>();
    private final List<String> loaded = new ArrayList<>();
    private final List<LoadReport.Resized> resized = new ArrayList<>();
    private final List<String> fresh = new ArrayList<>();
    private final List<String> ignored = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<String> missing = new ArrayList<>();
    private final List<String> unknown = new ArrayList<>();
    private final List<String> others = new ArrayList<>();
    private final String theirs;
    private final String own;

    WeightsMatch(
            VisionTransformer vit, NDList stored, WeightsConfig config, int rows, int columns) {
        this.vit = vit;
        Map<String, NDArray> rest = new LinkedHashMap<>();
        stored.forEach(array -> rest.put(array.getName(), array));
        int[] grid = rows > 0 ? new int[] {rows, columns} : grid(rest, config);
        gridRows = grid[0];
        gridColumns = grid[1];
        boolean experts = rest.keySet().stream().anyMatch(EXPERTS.asMatchPredicate());
        long classes = classes(rest);
        theirs = size(rest.values().stream()
                .collect(Collectors.toMap(NDArray::getName, NDArray::getShape, (a, b) -> a)));
        own = size(TimmTensors.list(vit).stream()
                .collect(Collectors.toMap(TimmTensors.Tensor::name, TimmTensors.Tensor::shape)));
        for (TimmTensors.Tensor tensor : TimmTensors.list(vit)) {
            String name = tensor.name();
            NDArray array = rest.remove(name);
            if (array == null && name.contains(".global_expert.")) {
                array = rest.remove(name.replace(".global_expert", ""));
            }
            boolean head = HEAD.matcher(name).matches();
            if (array == null) {
                boolean known = head && classes == 0 || !experts && isExperts(name);
                (known ? fresh : missing).add(name);
            } else if (!array.getDataType().isFloating()) {
                others.add(String.format(
                        "%s is %s, expected are floating-point numbers",
                        name, array.getDataType()));
            } else if (head
                    && classes != vit.getNumClasses()
                    && array.getShape().equals(headShape(tensor, classes))) {
                fresh.add(name);
                ignored.add(name);
            } else {
                match(tensor, array);
            }
        }
        leftOver(rest);
        compare(config, experts);
    }

    private static boolean isExperts(String name) {
        return EXPERTS.matcher(name).matches() && !name.contains(".global_expert.");
    }

    /** Width, depth and kind of a vision transformer with these tensors. */
    private static String size(Map<String, Shape> shapes) {
        Shape norm = shapes.getOrDefault("blocks.0.norm1.weight", new Shape());
        int depth = shapes.keySet().stream()
                .map(BLOCK::matcher)
                .filter(Matcher::matches)
                .mapToInt(block -> 1 + Integer.parseInt(block.group(1)))
                .max()
                .orElse(0);
        if (norm.dimension() != 1 || depth == 0) {
            return "no vision transformer under timm's names";
        }
        boolean experts = shapes.keySet().stream().anyMatch(EXPERTS.asMatchPredicate());
        return String.format(
                "width %d, %d layers, %s",
                norm.get(0), depth, experts ? "ReMoE blocks" : "no ReMoE blocks");
    }

    /** The classes of the file's head; 0 if it has none. */
    private static long classes(Map<String, NDArray> stored) {
        return stored.entrySet().stream()
                .filter(entry -> HEAD.matcher(entry.getKey()).matches())
                .map(entry -> entry.getValue().getShape())
                .filter(shape -> shape.dimension() > 0)
                .mapToLong(shape -> shape.get(0))
                .findFirst()
                .orElse(0);
    }

    private static Shape headShape(TimmTensors.Tensor tensor, long classes) {
        long[] shape = tensor.shape().getShape().clone();
        shape[0] = classes;
        return new Shape(shape);
    }

    /** Rows and columns of the patch grid that the position embedding is for; zeros if unknown. */
    private int[] grid(Map<String, NDArray> stored, WeightsConfig config) {
        NDArray positions = stored.get(POSITIONS);
        NDArray kernel = stored.get(PATCHES);
        if (positions == null || positions.getShape().dimension() != 3) {
            return new int[2];
        }
        int patches = (int) positions.getShape().get(1) - vit.getPrefixTokens();
        int[] size = config.inputSize();
        if (size != null
                && size.length == 3
                && kernel != null
                && kernel.getShape().dimension() == 4) {
            int rows = (int) (size[1] / Math.max(1, kernel.getShape().get(2)));
            int columns = (int) (size[2] / Math.max(1, kernel.getShape().get(3)));
            if ((long) rows * columns == patches) {
                return new int[] {rows, columns};
            }
        }
        int side = (int) Math.round(Math.sqrt(Math.max(0, patches)));
        return side * side == patches ? new int[] {side, side} : new int[2];
    }

    private void match(TimmTensors.Tensor tensor, NDArray array) {
        Shape from = array.getShape();
        Shape to = tensor.shape();
        boolean differs = !from.equals(to);
        boolean resizable = false;
        if (tensor.name().equals(POSITIONS)) {
            int grid = vit.getGridSize();
            resizable = from.dimension() == 3
                    && from.get(0) == 1
                    && from.get(2) == to.get(2)
                    && gridRows > 0
                    && from.get(1) == vit.getPrefixTokens() + (long) gridRows * gridColumns;
            differs |= resizable && (gridRows != grid || gridColumns != grid);
        } else if (tensor.name().equals(PATCHES)) {
            resizable = from.dimension() == 4
                    && from.get(0) == to.get(0)
                    && from.get(1) == to.get(1)
                    && from.get(2) > 0
                    && from.get(3) > 0;
        }
        if (differs && !resizable) {
            others.add(String.format("%s is %s, expected %s", array.getName(), from, to));
            return;
        }
        pairs.put(tensor, array);
        if (differs) {
            resized.add(new LoadReport.Resized(tensor.name(), list(from), list(to)));
        } else {
            loaded.add(tensor.name());
        }
    }

    private static List<Long> list(Shape shape) {
        return Arrays.stream(shape.getShape()).boxed().toList();
    }

    private void leftOver(Map<String, NDArray> rest) {
        List<EncoderBlock> blocks = vit.getBlocks();
        for (String name : rest.keySet()) {
            Matcher mlp = MLP.matcher(name);
            int block = mlp.matches() ? Integer.parseInt(mlp.group(1)) : blocks.size();
            boolean replaced = block < blocks.size()
                    && blocks.get(block).getFeedForward() instanceof ReMoEBlock remoe
                    && remoe.getGlobalExpert() == null;
            (replaced ? ignored : unknown).add(name);
        }
    }

    /** What cannot be seen from names and shapes, and makes another network of the same weights. */
    private void compare(WeightsConfig config, boolean experts) {
        config.otherPixels(vit).ifPresent(warnings::add);
        if (config.numHeads() != null && config.numHeads() != vit.getNumHeads()) {
            others.add(String.format(
                    "the weights are for %d attention heads, the network has %d",
                    config.numHeads(), vit.getNumHeads()));
        }
        if (!experts || config.remoe() == null) {
            return;
        }
        try {
            Map<Integer, ReMoE> theirs = layers(config.remoe());
            layers(ReMoE.of(vit)).forEach((layer, own) -> {
                if (theirs.containsKey(layer)) {
                    compare(layer, unseen(theirs.get(layer)), unseen(own));
                }
            });
        } catch (IllegalArgumentException e) {
            others.add("the weights' gates are this library's, but " + e.getMessage());
        }
    }

    private static Map<Integer, ReMoE> layers(List<ReMoE> remoe) {
        Map<Integer, ReMoE> layers = new LinkedHashMap<>();
        remoe.forEach(settings -> settings.layers().forEach(layer -> layers.put(layer, settings)));
        return layers;
    }

    /** The settings of a block that neither names nor shapes of its tensors tell. */
    private static Map<String, Object> unseen(ReMoE settings) {
        Map<String, Object> unseen = new LinkedHashMap<>();
        unseen.put("rows", settings.rows());
        unseen.put("columns", settings.columns());
        unseen.put("centerRatio", settings.centerRatio());
        unseen.put("gate", settings.gate());
        unseen.put("topK", settings.topK());
        unseen.put("lambda1", settings.lambda1());
        unseen.put("lambda2", settings.lambda2());
        return unseen;
    }

    private void compare(int layer, Map<String, Object> theirs, Map<String, Object> own) {
        List<String> names = own.keySet().stream()
                .filter(name -> !own.get(name).equals(theirs.get(name)))
                .toList();
        if (!names.isEmpty()) {
            others.add(String.format(
                    "in layer %d the weights are for %s, the network has %s",
                    layer, values(names, theirs), values(names, own)));
        }
    }

    private static String values(List<String> names, Map<String, Object> settings) {
        return names.stream()
                .map(name -> name + " " + settings.get(name))
                .collect(Collectors.joining(" and "));
    }

    /** Checks that nothing is left unexplained. */
    void check(Object weights) throws IOException {
        if (missing.isEmpty() && unknown.isEmpty() && others.isEmpty()) {
            return;
        }
        List<String> known =
                TimmTensors.list(vit).stream().map(TimmTensors.Tensor::name).toList();
        List<String> problems = new ArrayList<>();
        problems.addAll(lines("missing", missing, name -> name + nearest(name, unknown)));
        problems.addAll(lines("unknown", unknown, name -> shortened(name) + nearest(name, known)));
        problems.addAll(lines("other", others, UnaryOperator.identity()));
        throw new IOException(String.format(
                "%s does not fit the network, which is unchanged. The weights: %s; the network: %s."
                        + " Choose the model that the weights are of.%n%s",
                weights, theirs, own, String.join(System.lineSeparator(), problems)));
    }

    private static String nearest(String name, List<String> candidates) {
        return Nearest.to(name, candidates)
                .map(near -> " (nearest: " + shortened(near) + ")")
                .orElse("");
    }

    private static String shortened(String name) {
        return name.length() <= MOST_LETTERS ? name : name.substring(0, MOST_LETTERS) + "...";
    }

    private static List<String> lines(
            String kind, List<String> names, UnaryOperator<String> described) {
        List<String> lines = names.stream()
                .limit(MOST_NAMES)
                .map(name -> "  " + kind + ": " + described.apply(name))
                .collect(Collectors.toCollection(ArrayList::new));
        if (names.size() > MOST_NAMES) {
            lines.add(String.format("  %s: and %d more", kind, names.size() - MOST_NAMES));
        }
        return lines;
    }

    /** The tensors to load, and where from. */
    Map<TimmTensors.Tensor, NDArray> pairs() {
        return pairs;
    }

    boolean isResized(TimmTensors.Tensor tensor) {
        return resized.stream().anyMatch(other -> other.name().equals(tensor.name()));
    }

    int gridRows() {
        return gridRows;
    }

    int gridColumns() {
        return gridColumns;
    }

    LoadReport report(Map<String, String> files) {
        return new LoadReport(files, loaded, resized, fresh, ignored, warnings);
    }
}
