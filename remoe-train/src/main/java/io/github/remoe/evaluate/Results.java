package io.github.remoe.evaluate;

import ai.djl.Device;
import ai.djl.engine.Engine;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

import io.github.remoe.attack.Norm;
import io.github.remoe.attack.ThreatModel;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * The content of {@code results.json}: what an evaluation found, and everything needed to repeat it.
 *
 * <p>{@code docs/results-schema.md} describes the file.
 *
 * @param schemaVersion the version of this form, {@value #SCHEMA_VERSION}
 * @param robustbench the entry for RobustBench
 * @param model the model
 * @param dataset the data
 * @param threatModel what the attacks may do to an image
 * @param attacks the attacks in their order, with their settings at each epsilon
 * @param worstCaseOnly whether an image that one attack had broken was left out by those after it
 * @param seed what the attacks' random choices come from
 * @param environment what the evaluation ran on
 * @param clean the clean accuracy
 * @param robust the robust accuracy for each attack and epsilon; if {@code worstCaseOnly}, under this
 *     attack and those before it
 * @param robustAfterMember for each AutoAttack the robust accuracy after each of its members
 * @param worstCase the robust accuracy over all attacks, for each epsilon
 * @param perClass the same accuracies for each true class
 * @param warnings what a reader should know before trusting the figures
 * @param verdicts the name of the file with the verdicts on the single images, or null
 * @param command the command line that made the evaluation, or null if that is not known: it was
 *     made by a program of one's own, or before command lines were recorded
 * @param timing how long it took; the only part that differs when the same command is repeated on
 *     the same machine
 */
public record Results(
        int schemaVersion,
        RobustBench robustbench,
        Model model,
        Dataset dataset,
        Threat threatModel,
        List<EvaluationSettings.NamedAttack> attacks,
        boolean worstCaseOnly,
        long seed,
        Environment environment,
        Accuracy clean,
        List<RobustAccuracy> robust,
        List<MemberAccuracy> robustAfterMember,
        List<WorstCase> worstCase,
        List<ClassAccuracy> perClass,
        List<String> warnings,
        String verdicts,
        String command,
        Timing timing) {

    /** The version of the form that this class reads and writes. */
    public static final int SCHEMA_VERSION = 1;

    // Files of this version may lack it.
    private static final String NEWER = "command";

    private static final Gson GSON = new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeNulls()
            .create();

    /**
     * A model.
     *
     * @param name its preset or another name
     * @param checksum what names its parameters for good
     * @param remoe whether it has ReMoE blocks
     * @param parameters the trainable parameters
     * @param macs the multiply-adds of one image, or null if nobody has counted them
     * @param epoch the epoch that the parameters were saved in, or null if that is not known
     */
    public record Model(
            String name,
            String checksum,
            boolean remoe,
            long parameters,
            Long macs,
            Integer epoch) {}

    /**
     * A dataset.
     *
     * @param name its name
     * @param checksum what names its images and labels for good
     * @param images how many of them were evaluated
     * @param classes the names of the classes
     */
    public record Dataset(String name, String checksum, int images, List<String> classes) {}

    /**
     * Threat models that differ in epsilon alone.
     *
     * @param norm {@code linf} or {@code l2}
     * @param epsilons the radii in pixel values, ascending
     * @param pixelMin the smallest pixel value
     * @param pixelMax the largest pixel value
     */
    public record Threat(String norm, List<Float> epsilons, float pixelMin, float pixelMax) {

        /**
         * Returns one of the threat models.
         *
         * @param epsilon its radius
         * @return the threat model
         */
        public ThreatModel at(float epsilon) {
            return new ThreatModel(
                    Norm.valueOf(norm.toUpperCase(Locale.ROOT)), epsilon, pixelMin, pixelMax);
        }
    }

    /**
     * What an evaluation ran on.
     *
     * @param djl the version of DJL
     * @param engine the name of the engine
     * @param engineVersion its version
     * @param device the device, such as {@code cpu()} or {@code gpu(0)}
     */
    public record Environment(String djl, String engine, String engineVersion, String device) {}

    /**
     * Robust accuracy under one attack.
     *
     * @param attack the attack's name
     * @param epsilon the radius
     * @param accuracy the images that are right as they are and attacked
     */
    public record RobustAccuracy(String attack, float epsilon, Accuracy accuracy) {}

    /**
     * Robust accuracy under the first members of an AutoAttack.
     *
     * @param attack the attack's name
     * @param member the name of the last of these members
     * @param epsilon the radius
     * @param accuracy the images that are right as they are and after this member
     */
    public record MemberAccuracy(String attack, String member, float epsilon, Accuracy accuracy) {}

    /**
     * Robust accuracy over all attacks.
     *
     * @param epsilon the radius
     * @param accuracy the images that are right as they are and under every attack
     */
    public record WorstCase(float epsilon, Accuracy accuracy) {}

    /**
     * The accuracies on the images of one class.
     *
     * @param label the class
     * @param clean the clean accuracy
     * @param robust the robust accuracy for each attack and epsilon
     * @param worstCase the robust accuracy over all attacks, for each epsilon
     */
    public record ClassAccuracy(
            int label, Accuracy clean, List<RobustAccuracy> robust, List<WorstCase> worstCase) {}

    /**
     * How long an evaluation took.
     *
     * @param seconds the time of the process that ended it
     */
    public record Timing(double seconds) {}

    /**
     * Creates a builder.
     *
     * @param verdicts what the evaluation found
     * @return a new builder
     */
    public static Builder builder(Verdicts verdicts) {
        return new Builder(verdicts);
    }

    /**
     * Creates a builder for the whole of which these results are a part.
     *
     * @param whole the verdicts on all images
     * @return a new builder, told of the same model, classes, environment and warnings
     */
    public Builder ofWhole(Verdicts whole) {
        Builder builder = builder(whole)
                .optModel(
                        model.name(),
                        model.remoe(),
                        model.parameters(),
                        model.macs(),
                        model.epoch())
                .optClasses(dataset.classes())
                .optWarnings(warnings)
                .optVerdicts(verdicts);
        builder.environment = environment;
        return builder;
    }

    /**
     * Reads results.
     *
     * @param json what {@link #toJson} has written
     * @return the results
     * @throws IllegalArgumentException if the text is no JSON, no results, of another version,
     *     lacks something or contradicts itself; the message says what to do
     */
    public static Results fromJson(String json) {
        try {
            JsonElement tree = JsonParser.parseString(json);
            if (!tree.isJsonObject() || !tree.getAsJsonObject().has("schemaVersion")) {
                throw new IllegalArgumentException("there is no schemaVersion, so it was written by"
                        + " an older version or another program");
            }
            JsonObject object = tree.getAsJsonObject();
            int version = object.get("schemaVersion").getAsInt();
            if (version != SCHEMA_VERSION) {
                throw new IllegalArgumentException(String.format(
                        "its schemaVersion is %d, expected %d, so another version wrote it",
                        version, SCHEMA_VERSION));
            }
            for (RecordComponent component : Results.class.getRecordComponents()) {
                if (!object.has(component.getName()) && !component.getName().equals(NEWER)) {
                    throw new IllegalArgumentException("it has no " + component.getName());
                }
            }
            Results results = GSON.fromJson(object, Results.class);
            ResultsCheck.check(results);
            return results;
        } catch (JsonParseException | NumberFormatException | IllegalStateException e) {
            throw unreadable("it is cut off or no JSON of results (" + reason(e) + ")", e);
        } catch (RuntimeException e) {
            // Gson passes on what a record's constructor throws.
            throw unreadable(reason(e), e);
        }
    }

    private static String reason(RuntimeException e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage();
    }

    private static IllegalArgumentException unreadable(String what, RuntimeException cause) {
        return new IllegalArgumentException(
                what.replaceFirst("\\.$", "") + "; evaluate again", cause);
    }

    /**
     * Writes the results as JSON.
     *
     * @return the text, without a line break at the end
     */
    public String toJson() {
        return GSON.toJson(this);
    }

    /** The Builder to construct {@link Results}. */
    public static final class Builder {

        private final Verdicts verdicts;
        private final EvaluationSettings settings;
        private String architecture;
        private boolean remoe;
        private long parameters;
        private Long macs;
        private Integer epoch;
        private List<String> classes = List.of();
        private String standardAutoAttack;
        private Environment environment;
        private List<String> warnings = List.of();
        private String file;
        private String command;
        private double seconds;

        private Builder(Verdicts verdicts) {
            this.verdicts = verdicts;
            settings = verdicts.settings();
        }

        /**
         * Tells about the model; default is nothing.
         *
         * @param name its preset or another name
         * @param remoe whether it has ReMoE blocks
         * @param parameters the trainable parameters
         * @param macs the multiply-adds of one image, or null if nobody has counted them
         * @param epoch the epoch that the parameters were saved in, or null if that is not known
         * @return this builder
         */
        public Builder optModel(
                String name, boolean remoe, long parameters, Long macs, Integer epoch) {
            this.architecture = name;
            this.remoe = remoe;
            this.parameters = parameters;
            this.macs = macs;
            this.epoch = epoch;
            return this;
        }

        /**
         * Names the classes; default is no names.
         *
         * @param classes the name of each label
         * @return this builder
         */
        public Builder optClasses(List<String> classes) {
            this.classes = List.copyOf(classes);
            return this;
        }

        /**
         * Tells which attack is standard AutoAttack, whose robust accuracy at the largest epsilon
         * RobustBench asks for; default is none.
         *
         * @param attack the attack's name
         * @return this builder
         */
        public Builder optStandardAutoAttack(String attack) {
            standardAutoAttack = attack;
            return this;
        }

        /**
         * Tells what the evaluation ran on; default is nothing.
         *
         * @param engine the engine
         * @param device the model's device
         * @return this builder
         */
        public Builder optEnvironment(Engine engine, Device device) {
            environment = new Environment(
                    Engine.getDjlVersion(),
                    engine.getEngineName(),
                    engine.getVersion(),
                    device.toString());
            return this;
        }

        /**
         * Tells what a reader should know before trusting the figures; default is nothing.
         *
         * @param warnings one sentence each
         * @return this builder
         */
        public Builder optWarnings(List<String> warnings) {
            this.warnings = List.copyOf(warnings);
            return this;
        }

        /**
         * Names the file with the verdicts on the single images; default is none.
         *
         * @param name the file's name, in the same folder
         * @return this builder
         */
        public Builder optVerdicts(String name) {
            file = name;
            return this;
        }

        /**
         * Tells which command line made the evaluation; default is none.
         *
         * @param command the command line, as {@code ShellCommand.of} writes it
         * @return this builder
         */
        public Builder optCommand(String command) {
            this.command = command;
            return this;
        }

        /**
         * Tells how long the evaluation took; default 0.
         *
         * @param seconds the time
         * @return this builder
         */
        public Builder optSeconds(double seconds) {
            this.seconds = seconds;
            return this;
        }

        /**
         * Works out the accuracies.
         *
         * @return the results
         * @throws IllegalArgumentException if there are no verdicts, or no attack of the name that
         *     standard AutoAttack is said to have
         */
        public Results build() {
            return new Results(
                    SCHEMA_VERSION,
                    robustBench(),
                    new Model(architecture, settings.model(), remoe, parameters, macs, epoch),
                    new Dataset(
                            settings.dataset(),
                            settings.datasetChecksum(),
                            verdicts.size(),
                            classes),
                    new Threat(
                            settings.norm().toString(),
                            settings.epsilons(),
                            settings.pixelMin(),
                            settings.pixelMax()),
                    settings.attacks(),
                    settings.worstCase(),
                    settings.seed(),
                    environment,
                    verdicts.clean(),
                    robust(verdicts),
                    robustAfterMember(),
                    worstCase(verdicts),
                    verdicts.byClass().entrySet().stream()
                            .map(entry -> new ClassAccuracy(
                                    entry.getKey(),
                                    entry.getValue().clean(),
                                    robust(entry.getValue()),
                                    worstCase(entry.getValue())))
                            .toList(),
                    warnings,
                    file,
                    command,
                    new Timing(seconds));
        }

        private RobustBench robustBench() {
            int largest = settings.epsilons().size() - 1;
            return new RobustBench(
                    null,
                    null,
                    null,
                    null,
                    1,
                    settings.dataset(),
                    null,
                    architecture,
                    settings.threatModel(largest).epsilonText(),
                    RobustBench.percent(verdicts.clean().value()),
                    null,
                    standardAutoAttack == null || !isMeasuredAlone()
                            ? null
                            : RobustBench.percent(
                                    verdicts.robust(autoAttack(), largest).value()),
                    null,
                    null);
        }

        /** Whether an attack's figure is its own, without images that others have broken. */
        private boolean isMeasuredAlone() {
            return !settings.worstCase()
                    || settings.attacks().size() == 1 && settings.epsilons().size() == 1;
        }

        private int autoAttack() {
            List<String> names = settings.attacks().stream()
                    .map(EvaluationSettings.NamedAttack::name)
                    .toList();
            if (!names.contains(standardAutoAttack)) {
                throw new IllegalArgumentException(String.format(
                        "Standard AutoAttack is said to be '%s', but the attacks are %s.",
                        standardAutoAttack, names));
            }
            return names.indexOf(standardAutoAttack);
        }

        private List<RobustAccuracy> robust(Verdicts images) {
            List<RobustAccuracy> list = new ArrayList<>();
            for (int attack = 0; attack < settings.attacks().size(); attack++) {
                for (int epsilon = 0; epsilon < settings.epsilons().size(); epsilon++) {
                    list.add(new RobustAccuracy(
                            settings.attacks().get(attack).name(),
                            settings.epsilons().get(epsilon),
                            images.robust(attack, epsilon)));
                }
            }
            return list;
        }

        private List<MemberAccuracy> robustAfterMember() {
            List<MemberAccuracy> list = new ArrayList<>();
            for (int attack = 0; attack < settings.attacks().size(); attack++) {
                EvaluationSettings.NamedAttack named = settings.attacks().get(attack);
                for (int epsilon = 0; epsilon < settings.epsilons().size(); epsilon++) {
                    for (int member = 0; member < named.members().size(); member++) {
                        list.add(new MemberAccuracy(
                                named.name(),
                                named.members().get(member),
                                settings.epsilons().get(epsilon),
                                verdicts.robustAfterMember(attack, member, epsilon)));
                    }
                }
            }
            return list;
        }

        private List<WorstCase> worstCase(Verdicts images) {
            return IntStream.range(0, settings.epsilons().size())
                    .mapToObj(epsilon -> new WorstCase(
                            settings.epsilons().get(epsilon), images.worstCase(epsilon)))
                    .toList();
        }
    }
}
