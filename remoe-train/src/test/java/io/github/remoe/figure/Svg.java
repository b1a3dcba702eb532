package io.github.remoe.figure;

import static org.assertj.core.api.Assertions.assertThat;

import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

import java.awt.Font;
import java.awt.font.FontRenderContext;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;

/** A figure as those see it who read its SVG. */
final class Svg {

    static final String HOSTILE = "<img onerror=alert(1)> & \"'\u0000\u202e\ud800";

    private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
    private static final Font BOLD = FONT.deriveFont(Font.BOLD);
    private static final FontRenderContext CONTEXT = new FontRenderContext(null, true, true);
    private static final Set<String> DRAWN = Set.of(
            "svg", "title", "desc", "g", "path", "rect", "circle", "text", "image", "defs",
            "pattern", "use");

    private final Element root;

    private Svg(Element root) {
        this.root = root;
    }

    static Svg of(Figure figure) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            Document document = factory.newDocumentBuilder()
                    .parse(new InputSource(new StringReader(figure.svg())));
            return new Svg(document.getDocumentElement());
        } catch (Exception e) {
            throw new AssertionError("not well-formed: " + figure.svg(), e);
        }
    }

    List<Element> elements(String name) {
        return list(root.getElementsByTagName(name));
    }

    List<Element> elements(String name, String styleClass) {
        return elements(name).stream()
                .filter(e -> e.getAttribute("class").equals(styleClass))
                .toList();
    }

    private static List<Element> list(NodeList nodes) {
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    /** What is read, without what hovering shows. */
    List<String> texts() {
        return elements("text").stream().map(Svg::shown).toList();
    }

    List<String> titles() {
        return elements("title").stream().map(Element::getTextContent).toList();
    }

    Element text(String shown) {
        return elements("text").stream()
                .filter(e -> shown(e).equals(shown))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no text " + shown + " in " + texts()));
    }

    static double number(Element element, String attribute) {
        return Double.parseDouble(element.getAttribute(attribute));
    }

    /** The numbers of a path's data, in order. */
    static List<Double> numbers(Element path) {
        List<Double> numbers = new ArrayList<>();
        for (String number : path.getAttribute("d").split("[^-0-9.]+")) {
            if (!number.isEmpty()) {
                numbers.add(Double.parseDouble(number));
            }
        }
        return numbers;
    }

    double width() {
        return number(root, "width");
    }

    double height() {
        return number(root, "height");
    }

    /** No text lies over another or beyond the edge, and nothing is there that charts do not have. */
    Svg isSound() {
        List<Element> texts = elements("text");
        List<Rectangle2D> boxes = texts.stream().map(Svg::box).toList();
        Rectangle2D page = new Rectangle2D.Double(-0.1, 0, width() + 0.2, height());
        for (int i = 0; i < boxes.size(); i++) {
            assertThat(page.contains(boxes.get(i)))
                    .as("%s is on the page", shown(texts.get(i)))
                    .isTrue();
            for (int j = 0; j < i; j++) {
                assertThat(boxes.get(i).intersects(boxes.get(j)))
                        .as("%s over %s", shown(texts.get(i)), shown(texts.get(j)))
                        .isFalse();
            }
        }
        assertThat(elements("*"))
                .allSatisfy(e -> assertThat(DRAWN).contains(e.getTagName()))
                .allSatisfy(e -> assertThat(e.hasAttribute("onerror")).isFalse());
        assertThat(root.getAttribute("role")).isEqualTo("img");
        assertThat(width()).isLessThanOrEqualTo(400);
        return this;
    }

    private static String shown(Element text) {
        StringBuilder shown = new StringBuilder();
        for (Node node = text.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node.getNodeType() == Node.TEXT_NODE) {
                shown.append(node.getNodeValue());
            }
        }
        return shown.toString();
    }

    private static String inherited(Element element, String attribute) {
        if (element.hasAttribute(attribute) || element.getTagName().equals("svg")) {
            return element.getAttribute(attribute);
        }
        return inherited((Element) element.getParentNode(), attribute);
    }

    private static Rectangle2D box(Element text) {
        double x = number(text, "x");
        double y = number(text, "y");
        Font font = (inherited(text, "font-weight").equals("bold") ? BOLD : FONT)
                .deriveFont(Float.parseFloat(inherited(text, "font-size")));
        double width = font.getStringBounds(shown(text), CONTEXT).getWidth();
        double before = switch (inherited(text, "text-anchor")) {
            case "end" -> width;
            case "middle" -> width / 2;
            default -> 0;
        };
        double above = 9;
        double below = 3;
        if (text.hasAttribute("transform")) {
            assertThat(text.getAttribute("transform")).startsWith("rotate(-90 ");
            return new Rectangle2D.Double(x - above, y - width + before, above + below, width);
        }
        return new Rectangle2D.Double(x - before, y - above, width, above + below);
    }

    /** How many pixels have a colour, drawn with one pixel a unit. */
    static long pixels(Figure figure, int rgb) {
        BufferedImage picture = figure.toPicture(1);
        long count = 0;
        for (int y = 0; y < picture.getHeight(); y++) {
            for (int x = 0; x < picture.getWidth(); x++) {
                count += (picture.getRGB(x, y) & 0xFFFFFF) == rgb ? 1 : 0;
            }
        }
        return count;
    }
}
