package io.github.remoe.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The other side: PyTorch in Python.
 *
 * @param command what starts its worker; empty if it cannot be started
 * @param missing what it lacks, in words; empty if nothing
 */
public record Peer(List<String> command, String missing) {

    private static final String SCRIPT = "peer.py";

    /** The file that lists the Python packages which the peer needs, for {@code pip install -r}. */
    public static final String REQUIREMENTS = "requirements.txt";

    /** All files of src/main/python. */
    static final List<String> FILES =
            List.of(SCRIPT, "rows.py", "remoe_torch.py", "cifar_loader.py", REQUIREMENTS);

    private static final int SECONDS = 120;

    private static final String LACKING = "import importlib.util as u; print(', '.join(m for m in"
            + " ('torch', 'timm', 'torchattacks', 'autoattack', 'torchvision', 'safetensors')"
            + " if u.find_spec(m) is None))";

    /** No peer: our side alone is measured. */
    public static final Peer NONE = new Peer(List.of(), "");

    /**
     * Looks for a Python with all that the peer needs.
     *
     * @param python the program
     * @param folder where the peer's scripts and their {@code requirements.txt} are put, whatever
     *     is missing
     * @return the peer; without a command if something is missing
     * @throws IOException if the scripts cannot be written
     */
    public static Peer find(String python, Path folder) throws IOException {
        Files.createDirectories(folder);
        for (String file : FILES) {
            try (InputStream source = Peer.class.getResourceAsStream(file)) {
                Files.copy(source, folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        String lacking;
        try {
            Process process = new ProcessBuilder(python, "-c", LACKING)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return missing(python + " does not answer");
            }
            lacking = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.exitValue() != 0) {
                return missing(python + " is no Python that works");
            }
        } catch (IOException e) {
            return missing("there is no " + python);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return missing("it was not waited for " + python);
        }
        if (!lacking.isBlank()) {
            return missing(python + " lacks " + lacking.strip());
        }
        return new Peer(List.of(python, folder.resolve(SCRIPT).toString()), "");
    }

    private static Peer missing(String what) {
        return new Peer(List.of(), what);
    }

    /**
     * Returns whether it can be measured.
     *
     * @return true if nothing is missing
     */
    public boolean isThere() {
        return !command.isEmpty();
    }
}
