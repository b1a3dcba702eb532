package io.github.remoe.run;

import java.io.File;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Command lines as people type them: what the records of a run name the commands by. */
public final class ShellCommand {

    // The backslash is what paths are made of where it is no shell's escape.
    private static final Pattern PLAIN =
            Pattern.compile(File.separatorChar == '\\' ? "[\\w./:@%+,=\\\\-]+" : "[\\w./:@%+,=-]+");

    private ShellCommand() {}

    /**
     * Writes a command line.
     *
     * @param arguments the words
     * @return one line, from which a POSIX shell gets these words again
     */
    public static String of(List<String> arguments) {
        return arguments.stream().map(ShellCommand::quote).collect(Collectors.joining(" "));
    }

    private static String quote(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
