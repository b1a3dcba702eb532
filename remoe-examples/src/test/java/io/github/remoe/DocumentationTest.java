package io.github.remoe;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.cli.Main;
import io.github.remoe.run.RunConfig;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

import picocli.CommandLine.Command;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.xml.parsers.DocumentBuilderFactory;

/** What README and docs show is what there is: links, Java, YAML and XML. */
class DocumentationTest {

    private static final Pattern LINK = Pattern.compile("\\[([^\\]]*)]\\(([^)\\s]+)\\)");
    private static final Pattern MEMBER = Pattern.compile("`(\\w+)\\.(\\w+)`");
    private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6}\\s+(.+?)\\s*$");
    private static final Pattern PROPERTY = Pattern.compile("\\$\\{([^}]+)}");
    // In a block of Java, a line that stands for any number of lines of the source.
    private static final String GAP = "// ...";

    @TempDir
    private Path folder;

    @TestFactory
    Stream<DynamicTest> linksLeadSomewhere() {
        return Documents.pages().stream()
                .map(page -> DynamicTest.dynamicTest(
                        Documents.ROOT.relativize(page).toString(), () -> checkLinks(page)));
    }

    private static void checkLinks(Path page) {
        Matcher link = LINK.matcher(Documents.prose(page));
        while (link.find()) {
            String target = link.group(2);
            if (target.matches("(https|mailto):.*")) {
                continue;
            }
            String[] parts = target.split("#", 2);
            Path file = parts[0].isEmpty()
                    ? page
                    : page.getParent().resolve(parts[0]).normalize();
            assertThat(file).as("%s in %s", target, page).exists().startsWith(Documents.ROOT);
            if (parts.length > 1 && file.toString().endsWith(".md")) {
                assertThat(anchors(file)).as("%s in %s", target, page).contains(parts[1]);
            }
            Matcher member = MEMBER.matcher(link.group(1));
            if (member.matches() && target.endsWith("/" + member.group(1) + ".java")) {
                assertThat(Documents.read(file))
                        .as("%s in %s", link.group(), page)
                        .containsPattern("\\b" + member.group(2) + "\\(");
            }
        }
    }

    /** The anchors that GitHub gives to headings. */
    private static Set<String> anchors(Path page) {
        Set<String> anchors = new TreeSet<>();
        Matcher heading = HEADING.matcher(Documents.prose(page));
        while (heading.find()) {
            anchors.add(heading.group(1)
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^\\p{L}\\p{N} _-]", "")
                    .replace(' ', '-'));
        }
        return anchors;
    }

    @TestFactory
    Stream<DynamicTest> javaIsCopiedFromCompiledSources() {
        return copied("java", sources("remoe-\\w+/(consumers/\\w+/)?src/\\w+/java/.*\\.java"));
    }

    @TestFactory
    Stream<DynamicTest> pythonIsCopiedFromScripts() {
        return copied("python", sources("remoe-\\w+/src/test/python/.*\\.py"));
    }

    private static Stream<DynamicTest> copied(String language, Map<Path, String> sources) {
        return Documents.blocks(language)
                .map(block -> DynamicTest.dynamicTest(block.place(), () -> {
                    List<String> pieces = pieces(block.text());
                    assertThat(sources.entrySet().stream()
                                    .filter(source -> containsInOrder(source.getValue(), pieces))
                                    .map(Map.Entry::getKey))
                            .as(
                                    "sources that hold this code; copy it from one, or write %s for a gap",
                                    GAP)
                            .isNotEmpty();
                }));
    }

    private static List<String> pieces(String code) {
        List<String> pieces = new ArrayList<>(List.of(""));
        for (String line : code.lines().toList()) {
            if (line.strip().equals(GAP)) {
                pieces.add("");
            } else {
                pieces.set(pieces.size() - 1, pieces.get(pieces.size() - 1) + squeezed(line));
            }
        }
        return pieces;
    }

    private static boolean containsInOrder(String source, List<String> pieces) {
        int from = 0;
        for (String piece : pieces) {
            int found = source.indexOf(piece, from);
            if (found < 0) {
                return false;
            }
            from = found + piece.length();
        }
        return true;
    }

    private static String squeezed(String code) {
        return code.replaceAll("\\s+", "");
    }

    private static Map<Path, String> sources(String pattern) {
        try (Stream<Path> files = Files.walk(Documents.ROOT)) {
            return files.filter(file -> Documents.ROOT
                            .relativize(file)
                            .toString()
                            .replace('\\', '/')
                            .matches(pattern))
                    .collect(
                            Collectors.toMap(file -> file, file -> squeezed(Documents.read(file))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @TestFactory
    Stream<DynamicTest> yamlHoldsSettings() {
        return Documents.blocks("yaml")
                .map(block -> DynamicTest.dynamicTest(block.place(), () -> {
                    Path file = folder.resolve("settings.yaml");
                    Files.writeString(file, block.text());
                    assertThat(RunConfig.defaults().with(file)).isNotEqualTo(RunConfig.defaults());
                }));
    }

    @TestFactory
    Stream<DynamicTest> xmlNamesArtifactsAndVersionsThatThereAre() {
        List<Map<String, String>> sets =
                List.of(managed(""), managed("djl-0.29"), managed("cu121"));
        return Documents.blocks("xml")
                .map(block -> DynamicTest.dynamicTest(block.place(), () -> {
                    Element root = parse("<block>" + block.text() + "</block>");
                    Map<String, String> named = new HashMap<>();
                    for (Element dependency : elements(root, "dependency")) {
                        String version = text(dependency, "version");
                        named.put(coordinates(dependency), version.isEmpty() ? null : version);
                    }
                    assertThat(named).as("artifacts").isNotEmpty();
                    assertThat(sets)
                            .as("one set holds %s", named)
                            .anySatisfy(managed -> named.forEach((artifact, version) -> {
                                assertThat(managed).containsKey(artifact);
                                if (version != null) {
                                    assertThat(version).isEqualTo(managed.get(artifact));
                                }
                            }));
                }));
    }

    @Test
    void theVersionIsTheSameEverywhere() {
        String version = managed("").get("io.github.remoe:remoe-bom:");
        assertThat(Documents.read(Documents.ROOT.resolve("CITATION.cff")))
                .contains("version: " + version);
        assertThat(Main.class.getAnnotation(Command.class).version())
                .containsExactly("remoe " + version);
    }

    @Test
    void consumersNameTheVersionsOfThisBuild() {
        Map<String, String> managed = managed("");
        for (String consumer : List.of("classify", "train")) {
            Element pom = parse(Documents.read(
                    Documents.ROOT.resolve("remoe-examples/consumers/" + consumer + "/pom.xml")));
            Element bom = elements(pom, "dependency").get(0);
            assertThat(text(bom, "version")).isEqualTo(managed.get(coordinates(bom)));
        }
    }

    /** The artifacts that remoe-bom and remoe-parent manage with a profile, and their versions. */
    private static Map<String, String> managed(String profile) {
        Element bom = parse(Documents.read(Documents.ROOT.resolve("remoe-bom/pom.xml")));
        Element parent = parse(Documents.read(Documents.ROOT.resolve("pom.xml")));
        Map<String, String> properties = new HashMap<>();
        String version = text(bom, "version");
        properties.put("project.version", version);
        putProperties(bom, properties);
        putProperties(parent, properties);
        for (Element candidate : elements(parent, "profile")) {
            if (text(candidate, "id").equals(profile)) {
                putProperties(candidate, properties);
            }
        }
        Map<String, String> managed = new HashMap<>();
        managed.put("io.github.remoe:remoe-bom:", version);
        for (Element pom : List.of(bom, parent)) {
            for (Element dependency : elements(pom, "dependency")) {
                for (String system :
                        List.of("linux-x86_64", "linux-aarch64", "osx-aarch64", "win-x86_64")) {
                    properties.put("pytorch.classifier", system);
                    managed.put(
                            resolved(coordinates(dependency), properties),
                            resolved(text(dependency, "version"), properties));
                }
            }
        }
        return managed;
    }

    private static void putProperties(Element owner, Map<String, String> properties) {
        for (Element child : children(owner)) {
            if (child.getTagName().equals("properties")) {
                children(child).forEach(p -> properties.put(p.getTagName(), p.getTextContent()));
            }
        }
    }

    private static String resolved(String text, Map<String, String> properties) {
        String resolved = PROPERTY.matcher(text)
                .replaceAll(found -> Matcher.quoteReplacement(
                        properties.getOrDefault(found.group(1), found.group())));
        return resolved.equals(text) ? text : resolved(resolved, properties);
    }

    private static String coordinates(Element dependency) {
        return text(dependency, "groupId")
                + ":"
                + text(dependency, "artifactId")
                + ":"
                + text(dependency, "classifier");
    }

    private static Element parse(String xml) {
        try {
            return DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)))
                    .getDocumentElement();
        } catch (Exception e) {
            throw new AssertionError("No XML: " + xml, e);
        }
    }

    private static List<Element> elements(Element root, String name) {
        NodeList nodes = root.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    private static List<Element> children(Element parent) {
        List<Element> children = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                children.add(element);
            }
        }
        return children;
    }

    /** The text of a child, or nothing. */
    private static String text(Element parent, String name) {
        return children(parent).stream()
                .filter(child -> child.getTagName().equals(name))
                .map(child -> child.getTextContent().strip())
                .findFirst()
                .orElse("");
    }
}
