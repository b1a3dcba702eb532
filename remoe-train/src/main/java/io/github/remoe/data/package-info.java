/**
 * Image datasets that can be read twice in exactly the same way.
 *
 * <p>An adversarially trained network is compared by a few tenths of a percent, so which image was
 * attacked with which random start must not depend on threads, batch sizes or machines. All
 * datasets here are {@link io.github.remoe.data.PixelDataset}s: DJL datasets, to be used with DJL's
 * samplers and trainers, whose batches say which images they hold and whose randomness comes from
 * seeds.
 *
 * <pre>{@code
 * PixelDataset train =
 *         CifarDataset.builder()
 *                 .setPath(Path.of("data/cifar-10-batches-bin"))
 *                 .setSampling(128, true)
 *                 .optAugmentation(RandomCropFlip.builder().optSeed(1).build())
 *                 .build();
 * ExecutorService threads = Datasets.readingThreads(2); // reads batches ahead
 * for (Batch batch : train.getData(manager, threads)) {
 *     NDArray images = batch.getData().head(); // float32 (128, 3, 32, 32) in [0, 1]
 *     NDArray labels = batch.getLabels().head(); // int64 (128)
 *     List<?> indices = batch.getIndices(); // 128 numbers: which images these are
 *     batch.close();
 * }
 * }</pre>
 *
 * <ul>
 *   <li>{@link io.github.remoe.data.CifarDataset}: CIFAR-10 and CIFAR-100, standard binary files
 *   <li>{@link io.github.remoe.data.ImageFolderDataset}: JPEG and PNG in class folders, any size
 *   <li>{@link io.github.remoe.data.ImageFiles}: JPEG and PNG picked one by one, for a given model
 *   <li>{@link io.github.remoe.data.SyntheticDataset}: drawn patterns, no download
 *   <li>{@link io.github.remoe.data.Datasets}: picks one of them by a command-line word, samples it,
 *       and holds back validation images
 * </ul>
 *
 * <p>Pixels stay in [0, 1], where attacks live. Normalisation by mean and deviation belongs to the
 * model, not to the data: a perturbation of 8/255 must mean 8/255 for every model.
 */
package io.github.remoe.data;
