"""Tenant ids: which are valid, and which tenants a request names.

Called by every room that takes a tenant from a request, a folder or a bucket; calls nobody. Owns no state.

* `validate`: the rules of one id, with Cortex's texts.
* `resolve`: from the tenant header to one id, or to several with federation.
"""
