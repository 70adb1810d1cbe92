import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Scanner;

/**
 * Asks EU DSS about signatures. Each line of stdin is ROOT.pem MOMENT FILE [DETACHED]; for each signature of the file comes a line:
 * indication, subindication, and whether the bytes are those that were signed. Nothing is asked of any network.
 */
public class Dss {
    public static void main(String[] args) {
        for (Scanner in = new Scanner(System.in); in.hasNextLine();) {
            ask(in.nextLine().split(" "));
        }
    }

    private static void ask(String[] task) {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        trusted.addCertificate(DSSUtils.loadCertificate(new File(task[0])));
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(trusted);
        verifier.setAIASource(null);
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(task[2]));
        validator.setCertificateVerifier(verifier);
        validator.setValidationTime(Date.from(Instant.parse(task[1])));
        if (task.length > 3) {
            validator.setDetachedContents(List.of(new FileDocument(task[3])));
        }
        Reports reports = validator.validateDocument();
        for (String id : reports.getSimpleReport().getSignatureIdList()) {
            SignatureWrapper s = reports.getDiagnosticData().getSignatureById(id);
            System.out.println(reports.getSimpleReport().getIndication(id) + " " + reports.getSimpleReport().getSubIndication(id)
                + " intact=" + (s.isSignatureIntact() && s.isSignatureValid()));
        }
    }
}
