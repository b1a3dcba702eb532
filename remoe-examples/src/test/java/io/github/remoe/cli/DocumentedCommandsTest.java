package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.Documents;
import io.github.remoe.ReMoE;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

/**
 * Runs the commands of README and docs, one after the other in one folder, as a reader would.
 *
 * <p>Options that say how much is to be done are made tiny: a few images in the form of CIFAR-10, one
 * epoch, the smallest network. All others stay, so each that is named is read and used. What a command
 * needs and no command before it has made, a trained run or a picture, is put there.
 */
class DocumentedCommandsTest {

    // 3 x 8 x 8 pixels, 5 classes.
    private static final Path TORCHSCRIPT =
            Path.of("..", "remoe-train", "src", "test", "resources", "golden", "traced.pt");

    /** Other programs than ours, and why their commands are not run here. */
    private static final Map<Pattern, String> NOT_RUN = Map.of(
            Pattern.compile("python remoe-\\w+/src/test/python/\\w+\\.py.*"),
            "needs Python with PyTorch",
            Pattern.compile("python -c .*"),
            "needs Python with PyTorch",
            Pattern.compile("pip install .*"),
            "needs Python and the network",
            Pattern.compile("git clone .*"),
            "needs the network",
            Pattern.compile("export PYTORCH_\\w+=.*"),
            "is for a shell of the reader's",
            Pattern.compile("(docker|curl|djl-serving) .*"),
            "needs DJL Serving; its loading code path is tested in remoe-core");

    private static final Set<String> GOALS = Set.of(
            "compile",
            "test-compile",
            "test",
            "package",
            "verify",
            "install",
            "exec:java",
            "exec:java@benchmark",
            "spotless:apply");

    private static final List<String> TINY_TRAINING = List.of(
            "--model=vit_micro_patch4_32",
            "--samples=8",
            "--epochs=1",
            "--batch-size=4",
            "--attack-steps=1",
            "--test-samples=2",
            "--attack=fgsm");

    @TempDir
    private static Path folder;

    private static Path data;

    @BeforeAll
    static void createData() throws IOException {
        data = Files.createDirectory(folder.resolve("cifar"));
        Random random = new Random(1);
        for (String part : List.of(
                "data_batch_1",
                "data_batch_2",
                "data_batch_3",
                "data_batch_4",
                "data_batch_5",
                "test_batch")) {
            byte[] records = new byte[10 * 3073];
            random.nextBytes(records);
            for (int i = 0; i < 10; i++) {
                records[i * 3073] = (byte) i;
            }
            Files.write(data.resolve(part + ".bin"), records);
        }
        for (String label : List.of("a", "b", "c", "d", "e")) {
            picture(folder.resolve("five/test/" + label + "/1.png"), 8);
        }
    }

    private static void picture(Path file, int side) throws IOException {
        Files.createDirectories(file.getParent());
        BufferedImage picture = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        ImageIO.write(picture, file.toString().replaceAll(".*\\.", ""), file.toFile());
    }

    @TestFactory
    Stream<DynamicTest> commandsRun() {
        List<CommandLines.Command> commands = CommandLines.all().toList();
        assertThat(commands).hasSizeGreaterThan(30);
        Map<List<String>, String> places = new LinkedHashMap<>();
        commands.forEach(command -> places.putIfAbsent(command.words(), command.place()));
        return places.entrySet().stream()
                .map(command -> DynamicTest.dynamicTest(
                        command.getValue() + " " + String.join(" ", command.getKey()),
                        () -> check(command.getKey())));
    }

    private static void check(List<String> words) throws Exception {
        String first = words.get(0);
        if (first.equals("./mvnw") || first.equals("mvnw.cmd")) {
            checkMaven(words.subList(1, words.size()));
        } else if (first.equals("java")) {
            assertThat(words.subList(1, 3)).containsExactly("-jar", "remoe.jar");
            run(words.subList(3, words.size()));
        } else if (first.endsWith("remoe")) {
            run(words.subList(1, words.size()));
        } else {
            String command = String.join(" ", words);
            assertThat(NOT_RUN.keySet())
                    .as("'%s' is neither run nor known: say why in NOT_RUN", command)
                    .anyMatch(pattern ->
                            pattern.matcher(command.replace('\n', ' ')).matches());
            words.stream()
                    .filter(word -> word.endsWith(".py"))
                    .forEach(
                            script -> assertThat(Documents.ROOT.resolve(script)).exists());
        }
    }

    private static void checkMaven(List<String> words) throws Exception {
        Map<String, String> properties = new LinkedHashMap<>();
        List<String> goals = new ArrayList<>();
        Path pom = Documents.ROOT;
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (word.startsWith("-D")) {
                String[] property = word.substring(2).split("=", 2);
                properties.put(property[0], property.length > 1 ? property[1] : "true");
            } else if (word.startsWith("-P")) {
                for (String profile : word.substring(2).split(",")) {
                    assertThat(profiles()).contains(profile);
                }
            } else if (word.equals("-f")) {
                pom = Documents.ROOT.resolve(words.get(++i));
            } else if (word.equals("-pl")) {
                for (String module : words.get(++i).split(",")) {
                    assertThat(Documents.ROOT.resolve(module)).isDirectory();
                }
            } else if (!word.startsWith("-")) {
                goals.add(word);
            }
        }
        assertThat(pom.resolve("pom.xml")).exists();
        assertThat(GOALS).as("known goals").containsAll(goals);
        if (goals.contains("exec:java@benchmark")) {
            String name = properties.get("benchmark") + ".java";
            assertThat(Documents.ROOT.resolve(
                            "remoe-train/src/test/java/io/github/remoe/benchmark/" + name))
                    .exists();
        } else if (goals.contains("exec:java") && pom.equals(Documents.ROOT)) {
            String main = properties.get("exec.mainClass");
            if (main != null) {
                assertThat(Class.forName(main).getMethod("main", String[].class))
                        .isNotNull();
            } else {
                String args = properties.getOrDefault("exec.args", "");
                run(args.isBlank() ? List.of() : List.of(args.strip().split("\\s+")));
            }
        }
    }

    private static Set<String> profiles() throws IOException {
        Set<String> profiles = new TreeSet<>();
        for (String pom : List.of("pom.xml", "remoe-examples/pom.xml")) {
            Matcher matcher = Pattern.compile("<profile>\\s*<id>([^<]+)</id>")
                    .matcher(Files.readString(Documents.ROOT.resolve(pom)));
            while (matcher.find()) {
                profiles.add(matcher.group(1));
            }
        }
        return profiles;
    }

    /** Runs our program; three dots stand for anything. */
    private static void run(List<String> args) throws IOException {
        if (args.isEmpty()) {
            for (String train : List.of(Quickstart.TRAIN, Quickstart.TRAIN + " --remoe")) {
                run(List.of((train + " --out runs/quickstart").split(" ")));
            }
        } else if (!args.contains("...")) {
            execute(args);
        }
    }

    private static void execute(List<String> args) throws IOException {
        CommandLine program = Main.commandLine();
        CommandLine command = program.getSubcommands().get(args.get(0));
        // A check for gradient masking takes hundreds of steps at its smallest;
        // EvaluateCommandTest has one.
        if (command == null || args.get(0).equals("masking")) {
            program.parseArgs(args.toArray(new String[0]));
            return;
        }
        Map<String, String> options = new LinkedHashMap<>();
        List<String> parameters = new ArrayList<>();
        for (int i = 1; i < args.size(); i++) {
            String[] word = args.get(i).split("=", 2);
            OptionSpec option = command.getCommandSpec().findOption(word[0]);
            if (!word[0].startsWith("-")) {
                parameters.add(args.get(i));
                continue;
            }
            assertThat(option).as("option %s of %s", word[0], args.get(0)).isNotNull();
            String value =
                    word.length > 1 ? word[1] : option.arity().min() > 0 ? args.get(++i) : null;
            options.put(option.longestName(), value);
        }
        if (options.containsKey("--help")) {
            return;
        }
        for (int i = 0; i < parameters.size(); i++) {
            String value = parameters.get(i);
            if (List.of("predict", "explain").contains(args.get(0))) {
                parameters.set(i, photos(value));
            } else if (isPath(command.getCommandSpec().positionalParameters().get(0))) {
                parameters.set(i, folder.resolve(value).toString());
            }
        }
        for (Map.Entry<String, String> option : options.entrySet()) {
            option.setValue(tiny(command, option.getKey(), option.getValue()));
        }
        if (List.of("train", "attack").contains(args.get(0)) && options.containsKey("--out")) {
            delete(Path.of(options.get("--out")));
        }
        if (options.containsKey("--torchscript")) {
            options.put("--data", folder.resolve("five").toString());
        }
        for (String option : extra(command, options)) {
            options.putIfAbsent(option.split("=")[0], option.split("=", 2)[1]);
        }

        List<String> arguments = new ArrayList<>(List.of(args.get(0)));
        arguments.addAll(parameters);
        if (args.get(0).equals("experiment")) {
            arguments.addAll(
                    List.of("--start=samples=4", "--start=epochs=1", "--start=batchSize=4"));
        }
        options.forEach((name, value) -> arguments.add(value == null ? name : name + "=" + value));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = program.setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments.toArray(new String[0]));
        assertThat(exitCode).as("%s%n%s%n%s", arguments, out, err).isZero();
    }

    /** What is added to a command. */
    private static List<String> extra(CommandLine command, Map<String, String> options) {
        List<String> extra = new ArrayList<>();
        switch (command.getCommandName()) {
            case "train" -> {
                if (options.containsKey("--resume")) {
                    extra.addAll(List.of("--test-samples=2", "--attack=fgsm"));
                } else {
                    extra.addAll(TINY_TRAINING);
                    extra.add("--data=" + data);
                    extra.add("--validation=0");
                }
            }
            case "experiment" -> {
                extra.addAll(TINY_TRAINING);
                extra.remove("--model=vit_micro_patch4_32");
                extra.addAll(List.of("--data=" + data, "--seeds=0"));
            }
            case "evaluate", "attack" -> {
                extra.add("--samples=2");
                extra.add("--attack=fgsm");
            }
            case "explain" -> {
                extra.add("--out=" + folder.resolve("figures"));
                extra.add("--overwrite=true");
                extra.add("--attack=fgsm");
            }
            case "bench" ->
                extra.addAll(List.of(
                        "--models=micro",
                        "--rows=inference-1",
                        "--rounds=1",
                        "--out=" + folder.resolve("bench")));
            default -> {}
        }
        if (command.getCommandSpec().findOption("--device") != null) {
            extra.add("--device=cpu");
        }
        return extra;
    }

    private static String tiny(CommandLine command, String name, String value) throws IOException {
        boolean trains = Set.of("train", "experiment").contains(command.getCommandName());
        return switch (name) {
            case "--model" -> {
                assertThat(Presets.names()).contains(value);
                yield trains ? "vit_micro_patch4_32" : value;
            }
            case "--data" -> value.equals("synthetic") ? value : data.toString();
            case "--samples" -> trains ? "8" : "2";
            case "--batch-size" -> trains ? "4" : "2";
            case "--validation" -> value.equals("0") ? "0" : "2";
            case "--epochs", "--attack-steps" -> "1";
            case "--warm-up-epochs" -> value.equals("0") ? "0" : "1";
            case "--test-samples" -> "2";
            case "--models" -> "micro";
            case "--rows" -> "inference-1";
            case "--rounds" -> "1";
            case "--peer" -> "none";
            case "--queries" -> "20";
            case "--seeds" -> "0";
            case "--image-size" -> "8";
            case "--attack" -> attacks(value);
            case "--torchscript" -> TORCHSCRIPT.toString();
            case "--run", "--from", "--resume", "--surrogate" -> trained(value, "--remoe");
            case "--initial-run" -> trained(value, "--remoe=false");
            case "--config" -> settings(value);
            case "--images" -> photos(value);
            case "--pretrained" -> weights(value);
            default ->
                isPath(command.getCommandSpec().findOption(name))
                        ? folder.resolve(value).toString()
                        : value;
        };
    }

    /** A run in the folder of this test, trained now if no command before has. */
    private static String trained(String value, String remoe) throws IOException {
        if (!Files.exists(folder.resolve(value).resolve("config.yaml"))) {
            execute(List.of("train", remoe, "--out", value, "--attack", "fgsm"));
        }
        return folder.resolve(value).toString();
    }

    /** The settings that the README shows. */
    private static String settings(String value) throws IOException {
        String yaml = Documents.blocks("yaml").findFirst().orElseThrow().text();
        return Files.writeString(folder.resolve(value), yaml).toString();
    }

    private static String photos(String value) throws IOException {
        Path path = folder.resolve(value);
        if (!Files.exists(path)) {
            picture(value.endsWith(".jpg") ? path : path.resolve("photo.jpg"), 40);
        }
        return path.toString();
    }

    private static String weights(String value) throws IOException {
        if (!Files.exists(folder.resolve(value))) {
            execute(List.of("export", "--run", "runs/to-export", "--out", value));
        }
        return folder.resolve(value).toString();
    }

    /** The same attacks with two steps, and one step for those that take a hundred or more. */
    private static String attacks(String names) {
        VisionTransformer network = Presets.builder("vit_micro_patch4_32").build();
        ReMoE.builder().build().insertInto(network);
        return Arrays.stream(names.split(","))
                .peek(name -> AttackName.create(name, ThreatModel.linf(8 / 255f), null, network))
                .map(name -> name.matches("(auto|apgd|fab|square).*")
                        ? "fgsm"
                        : name.replaceFirst("-\\d+$", "-2"))
                .distinct()
                .collect(Collectors.joining(","));
    }

    private static boolean isPath(ArgSpec argument) {
        return argument.type() == Path.class
                || argument.typeInfo()
                        .getActualGenericTypeArguments()
                        .contains("java.nio.file.Path");
    }

    private static void delete(Path path) {
        if (Files.exists(path)) {
            try (Stream<Path> files = Files.walk(path)) {
                for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
