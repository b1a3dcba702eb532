package io.github.remoe.run;

import java.util.List;
import java.util.Map;

/**
 * What a run was made on, besides its settings: the content of {@code run.json}.
 *
 * @param classes the names of the classes, in the order of the labels
 * @param dataset the name of the dataset
 * @param dataChecksum the SHA-256 that its images and labels are known by, {@code
 *     PixelDataset.getChecksum()}
 * @param images how many of its images are trained on
 * @param device where the run trains, such as {@code cpu()} or {@code gpu(0)}
 * @param versions of DJL, its engine, Java and the system, and the number of processors, by
 *     name
 */
public record RunInfo(
        List<String> classes,
        String dataset,
        String dataChecksum,
        long images,
        String device,
        Map<String, String> versions) {

    /**
     * Checks that nothing is missing.
     *
     * @throws IllegalArgumentException if there are no classes
     */
    public RunInfo {
        if (classes == null || classes.isEmpty()) {
            throw new IllegalArgumentException("classes is missing: the names of the classes.");
        }
    }
}
