"""How the blocks of a tenant lie in the bucket: `<tenant>/<ulid>/chunks/000001`, `index` and `meta.json`.

Called by whoever writes or reads blocks there; calls the bucket. Owns nothing. A block without `meta.json`
is not complete: it is written last.

* `meta`: what a block says of itself, here and in the bucket.
* `upload`: a local block into the bucket.
* `markers`: marks that a tenant is to be deleted.
"""
