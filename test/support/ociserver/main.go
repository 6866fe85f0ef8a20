// An OCI 1.1 registry in memory, for the tests: it has the referrers API, and misbehaves by flag.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

// What this was built from; set by the build.
var source = "unknown"

func main() {
	var options ociserver.Options
	var storage ocimem.Config
	listen := flag.String("listen", "127.0.0.1:5000", "where to listen")
	redirect := flag.String("redirect-blobs", "", "answer a GET of a blob with 307 to this address and the digest")
	flag.BoolVar(&options.DisableReferrersAPI, "disable-referrers-api", false, "404 to every request of the referrers API")
	flag.BoolVar(&options.DisableReferrersFiltering, "disable-referrers-filtering", false, "list all referrers, whatever type is asked")
	flag.BoolVar(&options.DisableSinglePostUpload, "disable-single-post-upload", false, "open an upload where a blob is posted with its bytes")
	flag.IntVar(&options.MaxListPageSize, "max-list-page-size", 0, "refuse a list with a larger n")
	flag.BoolVar(&options.OmitDigestFromTagGetResponse, "omit-digest-from-tag-get", false, "no Docker-Content-Digest on GET of a manifest")
	flag.BoolVar(&options.OmitLinkHeaderFromResponses, "omit-link", false, "cut lists off at n without a Link")
	flag.BoolVar(&storage.ImmutableTags, "immutable-tags", false, "refuse to move and to delete tags")
	flag.BoolVar(&storage.LaxChildReferences, "lax-child-references", false, "take manifests whose blobs or children are missing")
	version := flag.Bool("version", false, "say what this was built from")
	flag.Parse()
	if *version {
		fmt.Println("ociserver", source)
		return
	}

	if *redirect != "" {
		options.LocationsForDescriptor = func(isManifest bool, blob ociregistry.Descriptor) ([]string, error) {
			if isManifest {
				return nil, nil
			}
			return []string{*redirect + string(blob.Digest)}, nil
		}
	}
	log.Fatal(http.ListenAndServe(*listen, ociserver.New(ocimem.NewWithConfig(&storage), &options)))
}
