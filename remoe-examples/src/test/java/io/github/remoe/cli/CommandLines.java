package io.github.remoe.cli;

import io.github.remoe.Documents;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The commands that README and docs show, cut into words as a shell does. */
final class CommandLines {

    /** What the first word of a command may be; a block that begins otherwise shows output. */
    private static final List<String> PROGRAMS = List.of(
            "./mvnw",
            "mvnw.cmd",
            "java",
            "remoe",
            "remoe-examples/bin/remoe",
            "python",
            "pip",
            "git",
            "docker",
            "curl",
            "djl-serving");

    private CommandLines() {}

    /**
     * One command.
     *
     * @param place the page and the line of the block that it stands in
     * @param words its words, without quotes and without variables set in front
     */
    record Command(String place, List<String> words) {}

    static Stream<Command> all() {
        Stream<Command> inBlocks = Documents.blocks("", "sh", "bash").flatMap(block -> {
            List<Command> commands = commands(block);
            boolean shell = !block.language().isEmpty();
            return commands.stream().filter(command -> shell || isCommand(command));
        });
        Stream<Command> inText = Documents.codeSpans()
                .flatMap(span -> commands(span).stream())
                .filter(CommandLines::isCommand)
                .filter(command -> command.words().size() > 1);
        return Stream.concat(inBlocks, inText);
    }

    private static boolean isCommand(Command command) {
        return !command.words().isEmpty() && PROGRAMS.contains(command.words().get(0));
    }

    private static List<Command> commands(Documents.Block block) {
        List<Command> commands = new ArrayList<>();
        List<String> words = new ArrayList<>();
        StringBuilder word = null;
        char quote = 0;
        String text = block.text().replace("\\\n", " ") + "\n";
        for (char c : text.toCharArray()) {
            if (quote != 0 ? c == quote : c == '"' || c == '\'') {
                quote = quote == 0 ? c : 0;
                word = word == null ? new StringBuilder() : word;
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (word != null) {
                    words.add(word.toString());
                    word = null;
                }
                if (c == '\n' && !words.isEmpty()) {
                    commands.add(new Command(block.place(), withoutVariables(words)));
                    words = new ArrayList<>();
                }
            } else {
                word = word == null ? new StringBuilder() : word;
                word.append(c);
            }
        }
        return commands;
    }

    private static List<String> withoutVariables(List<String> words) {
        return words.stream().dropWhile(word -> word.matches("[A-Z_]+=.*")).toList();
    }
}
