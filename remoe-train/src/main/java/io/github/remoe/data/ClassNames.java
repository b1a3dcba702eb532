package io.github.remoe.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the classes of an image folder are called where the folders have WordNet ids.
 *
 * <p>The names are those of the ten classes of Imagenette, and of a file {@code
 * LOC_synset_mapping.txt}, as it comes with ImageNet, or {@code classes.txt}: one class a line, the
 * name of its folder, a blank or tab, and its names, of which the first up to a comma is taken.
 */
final class ClassNames {

    private static final Map<String, String> IMAGENETTE = Map.of(
            "n01440764", "tench",
            "n02102040", "English springer",
            "n02979186", "cassette player",
            "n03000684", "chain saw",
            "n03028079", "church",
            "n03394916", "French horn",
            "n03417042", "garbage truck",
            "n03425413", "gas pump",
            "n03445777", "golf ball",
            "n03888257", "parachute");

    /** ImageNet's classes are in ILSVRC/Data/CLS-LOC/train, its file of names is beside ILSVRC. */
    private static final int FOLDERS_ABOVE = 4;

    private final Map<String, String> names = new HashMap<>(IMAGENETTE);

    /**
     * Reads the files of names that there are.
     *
     * @param folder the folder that holds the class folders, or one above
     */
    ClassNames(Path folder) throws IOException {
        read(folder.toAbsolutePath().normalize(), FOLDERS_ABOVE);
    }

    /** Files further up are read first: the nearest has the last word. */
    private void read(Path folder, int above) throws IOException {
        if (above > 0 && folder.getParent() != null) {
            read(folder.getParent(), above - 1);
        }
        for (String name : List.of("LOC_synset_mapping.txt", "classes.txt")) {
            if (Files.isRegularFile(folder.resolve(name))) {
                read(folder.resolve(name));
            }
        }
    }

    private void read(Path file) throws IOException {
        for (String line : Files.readAllLines(file)) {
            String[] parts = line.strip().split(line.contains("\t") ? "\t" : " ", 2);
            if (parts.length == 2) {
                names.put(parts[0], parts[1].split(",")[0].strip());
            }
        }
    }

    /**
     * Returns the names of classes.
     *
     * @param folders the names of their folders
     * @return the name of each; where two have the same, as the two kinds of crane in ImageNet, the
     *     folder's is added. The names of the folders, unless all of them are known
     */
    List<String> of(List<String> folders) {
        if (!names.keySet().containsAll(folders)) {
            return folders;
        }
        List<String> plain = folders.stream().map(this::of).toList();
        List<String> unique = new ArrayList<>();
        for (int i = 0; i < plain.size(); i++) {
            String name = plain.get(i);
            boolean only = Collections.frequency(plain, name) == 1;
            unique.add(only ? name : withFolder(name, folders.get(i)));
        }
        return List.copyOf(unique);
    }

    /**
     * Returns the class that a folder's images belong to.
     *
     * @param folder the name of the folder
     * @param classes the names of the classes
     * @return the class's position, or -1 if it is none of them
     */
    int label(String folder, List<String> classes) {
        int label = classes.indexOf(folder);
        if (label < 0) {
            label = classes.indexOf(of(folder));
        }
        return label < 0 ? classes.indexOf(withFolder(of(folder), folder)) : label;
    }

    private String of(String folder) {
        return names.getOrDefault(folder, folder);
    }

    private static String withFolder(String name, String folder) {
        return name + " (" + folder + ")";
    }
}
