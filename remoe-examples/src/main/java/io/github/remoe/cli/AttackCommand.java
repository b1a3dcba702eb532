package io.github.remoe.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.cli.AttackedImage.Answer;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.ImageFiles;
import io.github.remoe.data.ImageFolderDataset;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.data.Seeds;
import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.Png;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** Attacks images and shows what came of it. */
@Command(
        name = "attack",
        description = {
            "Attacks images with any model and writes what came of it: each adversarial image and its"
                    + " clean one as 8-bit PNG files at the model's size, and all of them side by side in"
                    + " sheet.png and sheet.svg.",
            "An image in a folder with the name of one of the model's classes has that label;"
                    + " otherwise the model's own prediction is taken."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class AttackCommand implements Callable<Integer> {

    private static final int SHEET_ROWS = 50;

    @Spec
    private CommandSpec spec;

    @Mixin
    private TargetOptions targetOptions;

    @ArgGroup
    private Images images;

    /** Where the images come from. */
    static final class Images {

        @Option(
                names = "--images",
                arity = "1..*",
                required = true,
                paramLabel = "FILE|FOLDER",
                description =
                        "JPEG or PNG files of any size, or folders of them: the shorter side is"
                                + " resized to the model's size and the centre square cut out.")
        private List<Path> paths;

        @Option(
                names = "--data",
                required = true,
                paramLabel = "PATH|synthetic",
                description = "A dataset to take test images from. Default: the run's.")
        private String data;
    }

    @Option(
            names = "--samples",
            paramLabel = "N",
            defaultValue = "10",
            description = "How many test images, chosen at random by --seed; 0 means all. --images"
                    + " takes all there are. Default: ${DEFAULT-VALUE}.")
    private int samples;

    @Option(
            names = "--attack",
            paramLabel = "NAME",
            defaultValue = "pgd-20",
            description = "An attack, by the names below. Default: ${DEFAULT-VALUE}.")
    private String attackName;

    @Mixin
    private ThreatOptions threatOptions;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "The folder for the pictures; new or empty.")
    private Path out;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "20",
            description = "Images attacked at a time. Default: ${DEFAULT-VALUE}.")
    private int batchSize;

    @Option(
            names = "--seed",
            defaultValue = "0",
            description = "Seed of all random choices. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException, TranslateException {
        if (batchSize < 1 || samples < 0) {
            throw new ParameterException(
                    spec.commandLine(), "--batch-size must be at least 1, --samples at least 0.");
        }
        if (threatOptions.epsilons().size() > 1) {
            throw new ParameterException(spec.commandLine(), "Pictures are made at one --epsilon.");
        }
        ThreatModel threat = threatOptions.threatModel();
        try (TargetOptions.Loaded model = targetOptions.load(deviceOption.device());
                NewFolder folder = new NewFolder(out)) {
            Attack attack =
                    AttackName.create(attackName, threat, threatOptions.stepSize, model.network());
            PixelDataset whole = dataset(model);
            PixelDataset chosen = givenPaths() ? whole : Datasets.sample(whole, samples, seed);
            TargetOptions.Loaded loaded = model.with(whole.getClasses());
            List<AttackSheet.Row> sheet = new ArrayList<>();
            List<AttackedImage> attacked = new ArrayList<>();
            try (Progress progress = new Progress("attack", chosen.size())) {
                for (Batch batch : chosen.getData(loaded.model().getNDManager())) {
                    try (batch) {
                        attack(attack, loaded, whole, batch, folder, sheet, attacked);
                        progress.onImagesJudged(batch.getSize());
                    }
                }
            }
            new AttackSheet("sheet", title(threat), sheet).draw().write(folder.path());
            folder.finish();
            print(threat, attacked);
        }
        return 0;
    }

    private boolean givenPaths() {
        return images != null && images.paths != null;
    }

    private PixelDataset dataset(TargetOptions.Loaded loaded) throws IOException {
        if (givenPaths()) {
            ImageFiles.Builder builder = ImageFiles.builder()
                    .setImageSize(loaded.imageSize())
                    .optClasses(loaded.classes())
                    .setSampling(batchSize, false);
            images.paths.forEach(builder::addPath);
            ImageFiles files = builder.build();
            files.check();
            return files;
        }
        String data = images == null ? loaded.data() : images.data;
        if (data == null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "There are no images: name files with --images, or a dataset with --data.");
        }
        PixelDataset dataset = Datasets.builder(data, Dataset.Usage.TEST, loaded.imageSize())
                .setSampling(batchSize, false)
                .build();
        return dataset;
    }

    /** Attacks a batch and stores its pictures. */
    private void attack(
            Attack attack,
            TargetOptions.Loaded loaded,
            PixelDataset whole,
            Batch batch,
            NewFolder folder,
            List<AttackSheet.Row> sheet,
            List<AttackedImage> attacked)
            throws IOException {
        NDArray clean = batch.getData().head();
        List<Answer> before = predict(loaded, clean);
        long[] labels = batch.getLabels().head().toLongArray();
        long[] seeds = new long[labels.length];
        boolean[] labelled = new boolean[labels.length];
        for (int i = 0; i < labels.length; i++) {
            seeds[i] = Seeds.of("attack", seed, index(batch, i));
            labelled[i] = labels[i] != ImageFiles.UNLABELLED;
            if (!labelled[i]) {
                labels[i] = before.get(i).label();
            }
        }
        NDArray adversarial =
                attack.perturb(loaded.target(), clean, clean.getManager().create(labels), seeds);
        List<Answer> after = predict(loaded, adversarial);
        float[] linf = ThreatModel.linf(0).distance(adversarial, clean).toFloatArray();
        float[] l2 = ThreatModel.l2(0).distance(adversarial, clean).toFloatArray();

        List<Path> files = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            String stem = String.format(
                    "%03d-%s", attacked.size() + i + 1, stem(name(whole, index(batch, i))));
            Png.write(Png.picture(clean.get(i)), folder.path().resolve(stem + "-clean.png"));
            files.add(folder.path().resolve(stem + "-adversarial.png"));
            Png.write(Png.picture(adversarial.get(i)), files.get(i));
        }
        List<Answer> stored = predict(loaded, read(files, loaded, clean.getManager()));
        for (int i = 0; i < labels.length; i++) {
            AttackedImage image = new AttackedImage(
                    name(whole, index(batch, i)),
                    (int) labels[i],
                    loaded.classes().get((int) labels[i]),
                    labelled[i],
                    before.get(i),
                    after.get(i),
                    stored.get(i),
                    linf[i],
                    l2[i]);
            attacked.add(image);
            if (sheet.size() < SHEET_ROWS) {
                sheet.add(image.row(clean.get(i), adversarial.get(i)));
            }
        }
    }

    private static List<Answer> predict(TargetOptions.Loaded loaded, NDArray pictures) {
        NDArray probabilities = loaded.target().predict(pictures).head().softmax(1);
        long[] labels = probabilities.argMax(1).toLongArray();
        float[] highest = probabilities.max(new int[] {1}).toFloatArray();
        List<Answer> predictions = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            int label = (int) labels[i];
            predictions.add(new Answer(label, loaded.classes().get(label), highest[i]));
        }
        return predictions;
    }

    /** Reads the stored pictures as anyone would who gets them. */
    private static NDArray read(List<Path> files, TargetOptions.Loaded loaded, NDManager manager)
            throws IOException {
        ImageFiles.Builder builder = ImageFiles.builder()
                .setImageSize(loaded.imageSize())
                .setSampling(files.size(), false);
        files.forEach(builder::addPath);
        return builder.build().getByRange(manager, 0, files.size()).getData().head();
    }

    private static long index(Batch batch, int row) {
        return ((Number) batch.getIndices().get(row)).longValue();
    }

    private static String name(PixelDataset dataset, long index) {
        if (dataset instanceof ImageFiles files) {
            return files.getFile(index).getFileName().toString();
        }
        if (dataset instanceof ImageFolderDataset folder) {
            return folder.getFile(index).getFileName().toString();
        }
        return "image " + index;
    }

    /** A name for files that no file system minds. */
    static String stem(String name) {
        return name.replaceFirst("\\.[A-Za-z]+$", "").replaceAll("[^\\p{L}\\p{N}._-]+", "-");
    }

    private String title(ThreatModel threat) {
        return String.format(
                "%s, %s, epsilon %s",
                attackName.toLowerCase(Locale.ROOT), threat.norm(), threat.epsilonText());
    }

    private void print(ThreatModel threat, List<AttackedImage> attacked) {
        PrintWriter printer = spec.commandLine().getOut();
        printer.printf("%n%s%n%n", title(threat));
        List<String[]> table = new ArrayList<>();
        table.add(
                new String[] {"image", "label", "before", "after", "linf", "l2", "fooled", "8 bits"
                });
        for (AttackedImage image : attacked) {
            table.add(new String[] {
                image.name(),
                image.labelName(),
                image.before().toString(),
                image.after().toString(),
                String.format(Locale.ROOT, "%.1f/255", 255 * image.linf()),
                String.format(Locale.ROOT, "%.2f", image.l2()),
                image.rightBefore() ? yesNo(image.fooled()) : "wrong before",
                image.rightBefore() ? yesNo(image.fooledWhenStored()) : "-"
            });
        }
        print(printer, table);

        long right = attacked.stream().filter(AttackedImage::rightBefore).count();
        long fooled = attacked.stream().filter(AttackedImage::fooled).count();
        long stored = attacked.stream().filter(AttackedImage::fooledWhenStored).count();
        long unlabelled = attacked.stream().filter(image -> !image.labelled()).count();
        printer.println();
        if (unlabelled > 0) {
            printer.printf(
                    "%s in a folder named like a class, so the model's own prediction is the label.%n",
                    unlabelled == attacked.size()
                            ? "No image lies"
                            : unlabelled + " of " + attacked.size() + " images do not lie");
        }
        printer.printf(
                "Right before the attack: %d of %d. Fooled: %d of these; by the 8-bit files as they"
                        + " are stored: %d.%n",
                right, attacked.size(), fooled, stored);
        printer.printf("Pictures: %s", out);
        printer.printf(
                attacked.size() > SHEET_ROWS ? "; the sheet has the first %d.%n" : "%n",
                SHEET_ROWS);
        printer.flush();
    }

    private static String yesNo(boolean value) {
        return value ? "yes" : "no";
    }

    private static void print(PrintWriter printer, List<String[]> table) {
        int columns = table.get(0).length;
        int[] widths = new int[columns];
        for (String[] row : table) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        for (String[] row : table) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(String.format("%-" + (widths[i] + 2) + "s", row[i]));
            }
            printer.println(line.toString().stripTrailing());
        }
    }
}
