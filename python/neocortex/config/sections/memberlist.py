"""The gossip key-value store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import inline, opt
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Int64, StringSlice


class GossipTransport(ClientTLS, go="memberlist.TCPTransportConfig"):
    """The sockets over which gossip travels."""

    bind_addr: StringSlice = opt("memberlist.bind-addr", [])
    bind_port: int = opt("memberlist.bind-port", 7946)
    packet_dial_timeout: Duration = opt("memberlist.packet-dial-timeout", "5s")
    packet_write_timeout: Duration = opt("memberlist.packet-write-timeout", "5s")
    packet_read_timeout: Duration = opt("memberlist.packet-read-timeout", "5s")
    max_packet_size: Int64 = opt("memberlist.max-packet-size", 1048576)
    max_concurrent_connections: int = opt("memberlist.max-concurrent-connections", 100)
    transport_debug: bool = opt("memberlist.transport-debug", False, yaml=None)
    tls_enabled: bool = opt("memberlist.tls-enabled", False)
    _client_tls = inline(ClientTLS, "memberlist.")


class Memberlist(GossipTransport, go="memberlist.KVConfig"):
    """Gossip among the members of the cluster; rings in it need no other store."""

    node_name: str = opt("memberlist.nodename", "")
    randomize_node_name: bool = opt("memberlist.randomize-node-name", True)
    stream_timeout: Duration = opt("memberlist.stream-timeout", "10s")
    retransmit_factor: int = opt("memberlist.retransmit-factor", 4)
    pull_push_interval: Duration = opt("memberlist.pullpush-interval", "30s")
    gossip_interval: Duration = opt("memberlist.gossip-interval", "200ms")
    gossip_nodes: int = opt("memberlist.gossip-nodes", 3)
    gossip_to_dead_nodes_time: Duration = opt("memberlist.gossip-to-dead-nodes-time", "30s")
    dead_node_reclaim_time: Duration = opt("memberlist.dead-node-reclaim-time", "0s")
    compression_enabled: bool = opt("memberlist.compression-enabled", True)
    advertise_addr: str = opt("memberlist.advertise-addr", "")
    advertise_port: int = opt("memberlist.advertise-port", 7946)
    cluster_label: str = opt("memberlist.cluster-label", "")
    cluster_label_verification_disabled: bool = opt("memberlist.cluster-label-verification-disabled", False)
    join_members: StringSlice = opt("memberlist.join", [])
    min_join_backoff: Duration = opt("memberlist.min-join-backoff", "1s")
    max_join_backoff: Duration = opt("memberlist.max-join-backoff", "1m")
    max_join_retries: int = opt("memberlist.max-join-retries", 10)
    abort_if_cluster_join_fails: bool = opt("memberlist.abort-if-join-fails", True)
    rejoin_interval: Duration = opt("memberlist.rejoin-interval", "0s")
    left_ingesters_timeout: Duration = opt("memberlist.left-ingesters-timeout", "5m")
    tombstone_timeout: Duration = opt("memberlist.tombstone-timeout", "5m")
    leave_timeout: Duration = opt("memberlist.leave-timeout", "5s")
    message_history_buffer_bytes: int = opt("memberlist.message-history-buffer-bytes", 0)
    _gossip_transport = inline(GossipTransport)
