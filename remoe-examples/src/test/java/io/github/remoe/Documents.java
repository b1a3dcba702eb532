package io.github.remoe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The README and the pages of the documentation, as their tests read them. */
public final class Documents {

    /** The root of the repository. */
    public static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    private static final Pattern FENCE = Pattern.compile("\\s*```(\\w*)\\s*");
    private static final Pattern CODE_SPAN = Pattern.compile("`([^`]+)`");

    private Documents() {}

    /**
     * A fenced block of code.
     *
     * @param page the page
     * @param line the number of its first line, from 1
     * @param language what stands behind the fence, perhaps nothing
     * @param text its lines
     */
    public record Block(Path page, int line, String language, String text) {

        /** Where it is, for messages. */
        public String place() {
            return ROOT.relativize(page) + ":" + line;
        }
    }

    /** All pages: the README first, then those of docs and .github in alphabetical order. */
    public static List<Path> pages() {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
        for (String folder : List.of("docs", ".github")) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
                files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return pages;
    }

    /** The fenced blocks of all pages in one of these languages. */
    public static Stream<Block> blocks(String... languages) {
        return pages().stream()
                .flatMap(page -> blocks(page).stream())
                .filter(block -> List.of(languages).contains(block.language()));
    }

    private static List<Block> blocks(Path page) {
        List<Block> blocks = new ArrayList<>();
        List<String> inside = null;
        String language = "";
        List<String> lines = read(page).lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            Matcher fence = FENCE.matcher(lines.get(i));
            if (!fence.matches()) {
                if (inside != null) {
                    inside.add(lines.get(i));
                }
            } else if (inside == null) {
                inside = new ArrayList<>();
                language = fence.group(1);
            } else {
                int first = i + 1 - inside.size();
                blocks.add(new Block(page, first, language, String.join("\n", inside)));
                inside = null;
            }
        }
        if (inside != null) {
            throw new IllegalStateException(page + " ends inside a block of code.");
        }
        return blocks;
    }

    /** What stands between backticks in the text of all pages. */
    public static Stream<Block> codeSpans() {
        return pages().stream().flatMap(page -> {
            List<Block> spans = new ArrayList<>();
            String prose = prose(page);
            Matcher matcher = CODE_SPAN.matcher(prose);
            while (matcher.find()) {
                int line = (int) prose.substring(0, matcher.start()).lines().count();
                spans.add(new Block(page, line, "", matcher.group(1).replaceAll("\\s+", " ")));
            }
            return spans.stream();
        });
    }

    /** A page with its blocks of code blanked out, line for line. */
    public static String prose(Path page) {
        StringBuilder prose = new StringBuilder();
        boolean inside = false;
        for (String line : read(page).lines().toList()) {
            boolean fence = FENCE.matcher(line).matches();
            prose.append(fence || inside ? "" : line).append('\n');
            inside ^= fence;
        }
        return prose.toString();
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
