package io.github.remoe.weights;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, by which models, datasets and files are told apart for good. */
public final class Sha256 {

    private Sha256() {}

    /**
     * Starts a checksum.
     *
     * @return takes the bytes
     */
    public static MessageDigest start() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256.", e);
        }
    }

    /**
     * Ends a checksum.
     *
     * @param digest has taken the bytes
     * @return 64 hexadecimal digits
     */
    public static String end(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
