package io.github.remoe.run;

import io.github.remoe.weights.LoadReport;

import java.util.List;
import java.util.Map;
import java.util.Objects;

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
 * @param pretrained what was loaded of the {@code pretrained} weights; null if there are none
 */
public record RunInfo(
        List<String> classes,
        String dataset,
        String dataChecksum,
        long images,
        String device,
        Map<String, String> versions,
        LoadReport pretrained) {

    /**
     * Checks that nothing is missing.
     *
     * @throws IllegalArgumentException if there are no classes, or something but {@code pretrained} is
     *     null
     */
    public RunInfo {
        if (classes == null || classes.isEmpty()) {
            throw new IllegalArgumentException("classes is missing: the names of the classes.");
        }
        if (classes.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("classes has null in it, expected names.");
        }
        requirePresent(dataset, "dataset is missing: the name of the dataset.");
        requirePresent(dataChecksum, "dataChecksum is missing: what the data is known by.");
        requirePresent(device, "device is missing: where the run trains.");
        requirePresent(versions, "versions is missing: of DJL, its engine, Java and the system.");
    }

    private static void requirePresent(Object value, String message) {
        if (value == null) {
            throw new IllegalArgumentException(message);
        }
    }

    /**
     * Describes a run that does not start from pretrained weights.
     *
     * @param classes the names of the classes, in the order of the labels
     * @param dataset the name of the dataset
     * @param dataChecksum the SHA-256 that its images and labels are known by
     * @param images how many of its images are trained on
     * @param device where the run trains
     * @param versions of DJL, its engine, Java and the system, by name
     */
    public RunInfo(
            List<String> classes,
            String dataset,
            String dataChecksum,
            long images,
            String device,
            Map<String, String> versions) {
        this(classes, dataset, dataChecksum, images, device, versions, null);
    }
}
