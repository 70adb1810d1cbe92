package dnsserver

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// serveDNS answers A, SOA and NS of the name; its other types have no data, names below it do not exist, all else is refused.
func (s *Server) serveDNS(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(r)
	m.RecursionAvailable = false
	switch {
	case r.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
	case len(r.Question) != 1:
		m.Rcode = dns.RcodeFormatError
	case r.Question[0].Qclass != dns.ClassINET || !dns.IsSubDomain(s.config.Name, r.Question[0].Name):
		m.Rcode = dns.RcodeRefused
	case !strings.EqualFold(r.Question[0].Name, s.config.Name):
		m.Authoritative = true
		m.Rcode = dns.RcodeNameError
		m.Ns = []dns.RR{s.soa()}
	default:
		m.Authoritative = true
		if rr := s.record(r.Question[0]); rr != nil {
			m.Answer = []dns.RR{rr}
		} else {
			m.Ns = []dns.RR{s.soa()}
		}
	}
	if err := w.WriteMsg(m); err != nil {
		s.log.Debug("answer not sent", "error", err)
	}
}

// record returns the record asked for, or nil where the name has none of that type.
func (s *Server) record(q dns.Question) dns.RR {
	switch q.Qtype {
	case dns.TypeA:
		return &dns.A{Hdr: s.header(q.Name, dns.TypeA), A: s.address().AsSlice()}
	case dns.TypeSOA:
		return s.soa()
	case dns.TypeNS:
		return &dns.NS{Hdr: s.header(q.Name, dns.TypeNS), Ns: s.config.Name}
	}
	return nil
}

func (s *Server) address() netip.Addr {
	if s.active.Load().Record == Secondary {
		return s.config.Records.Secondary
	}
	return s.config.Records.Primary
}

func (s *Server) header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: s.ttl()}
}

func (s *Server) ttl() uint32 { return uint32(s.config.TTL.D().Seconds()) }

// soa carries the time of the last choice as its serial, and the TTL for negative answers too.
func (s *Server) soa() dns.RR {
	return &dns.SOA{
		Hdr: s.header(s.config.Name, dns.TypeSOA), Ns: s.config.Name, Mbox: "hostmaster." + s.config.Name,
		Serial: uint32(s.active.Load().Since.Unix()), Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: s.ttl(),
	}
}
