package io.github.remoe.inference;

import ai.djl.modality.Classifications;
import ai.djl.util.JsonUtils;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a network says of an image, and how its ReMoE layers weighed the image's regions. */
public final class RegionClassifications extends Classifications {

    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // List.copyOf is serializable
    private final List<RegionWeights> regionWeights;

    /**
     * Creates the result for an image.
     *
     * @param classNames the names of the classes
     * @param probabilities their probabilities
     * @param topK how many classes are printed
     * @param regionWeights the region weights of each ReMoE layer, from the first to the last
     */
    public RegionClassifications(
            List<String> classNames,
            List<Double> probabilities,
            int topK,
            List<RegionWeights> regionWeights) {
        super(classNames, probabilities);
        setTopK(topK);
        this.regionWeights = List.copyOf(regionWeights);
    }

    /**
     * Returns the region weights.
     *
     * @return those of each ReMoE layer, from the first to the last; empty if there is none
     */
    public List<RegionWeights> getRegionWeights() {
        return regionWeights;
    }

    // DJL 0.29 asks for the three below, later versions for this one; none overrides in both.

    /**
     * Returns this as JSON.
     *
     * @return an object with {@code classifications}, what DJL writes for {@link Classifications}, and
     *     {@code regionWeights}
     */
    @SuppressWarnings("MissingOverride")
    public JsonElement serialize() {
        JsonObject object = new JsonObject();
        object.add("classifications", JsonUtils.GSON.toJsonTree(topK()));
        object.add("regionWeights", JsonUtils.GSON.toJsonTree(regionWeights));
        return object;
    }

    /** {@inheritDoc} */
    @Override
    public String toJson() {
        return JsonUtils.GSON.toJson(serialize()) + '\n';
    }

    /** {@inheritDoc} */
    @Override
    public String getAsString() {
        return toJson();
    }

    /** {@inheritDoc} */
    @Override
    public ByteBuffer toByteBuffer() {
        return ByteBuffer.wrap(toJson().getBytes(StandardCharsets.UTF_8));
    }
}
