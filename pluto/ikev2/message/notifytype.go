package message

import "fmt"

// A NotifyType says what a Notify tells: an error below 16384, else status. The
// values are those of IANA's registry of IKEv2 parameters.
type NotifyType uint16

// IsError tells whether the notification is an error. One that is not known here
// fails the exchange, too, if it is an error; else it is ignored (RFC 7296,
// section 3.10.1).
func (t NotifyType) IsError() bool { return t < 16384 }

// Errors.
const (
	UnsupportedCriticalPayload NotifyType = 1
	InvalidIKESPI              NotifyType = 4
	InvalidMajorVersion        NotifyType = 5
	InvalidSyntax              NotifyType = 7
	InvalidMessageID           NotifyType = 9
	InvalidSPI                 NotifyType = 11
	NoProposalChosen           NotifyType = 14
	InvalidKEPayload           NotifyType = 17
	AuthenticationFailed       NotifyType = 24
	SinglePairRequired         NotifyType = 34
	NoAdditionalSAs            NotifyType = 35
	InternalAddressFailure     NotifyType = 36
	FailedCPRequired           NotifyType = 37
	TSUnacceptable             NotifyType = 38
	InvalidSelectors           NotifyType = 39
	UnacceptableAddresses      NotifyType = 40
	UnexpectedNATDetected      NotifyType = 41
	UseAssignedHoA             NotifyType = 42
	TemporaryFailure           NotifyType = 43
	ChildSANotFound            NotifyType = 44
	InvalidGroupID             NotifyType = 45
	AuthorizationFailed        NotifyType = 46
	StateNotFound              NotifyType = 47
)

// Status.
const (
	InitialContact                NotifyType = 16384
	SetWindowSize                 NotifyType = 16385
	AdditionalTSPossible          NotifyType = 16386
	IPCOMPSupported               NotifyType = 16387
	NATDetectionSourceIP          NotifyType = 16388
	NATDetectionDestinationIP     NotifyType = 16389
	Cookie                        NotifyType = 16390
	UseTransportMode              NotifyType = 16391
	HTTPCertLookupSupported       NotifyType = 16392
	RekeySA                       NotifyType = 16393
	ESPTFCPaddingNotSupported     NotifyType = 16394
	NonFirstFragmentsAlso         NotifyType = 16395
	MOBIKESupported               NotifyType = 16396
	AdditionalIP4Address          NotifyType = 16397
	AdditionalIP6Address          NotifyType = 16398
	NoAdditionalAddresses         NotifyType = 16399
	UpdateSAAddresses             NotifyType = 16400
	Cookie2                       NotifyType = 16401
	NoNATsAllowed                 NotifyType = 16402
	AuthLifetime                  NotifyType = 16403
	MultipleAuthSupported         NotifyType = 16404
	AnotherAuthFollows            NotifyType = 16405
	RedirectSupported             NotifyType = 16406
	Redirect                      NotifyType = 16407
	RedirectedFrom                NotifyType = 16408
	TicketLTOpaque                NotifyType = 16409
	TicketRequest                 NotifyType = 16410
	TicketACK                     NotifyType = 16411
	TicketNACK                    NotifyType = 16412
	TicketOpaque                  NotifyType = 16413
	LinkID                        NotifyType = 16414
	UseWESPMode                   NotifyType = 16415
	ROHCSupported                 NotifyType = 16416
	EAPOnlyAuthentication         NotifyType = 16417
	ChildlessIKEv2Supported       NotifyType = 16418
	QuickCrashDetection           NotifyType = 16419
	IKEv2MessageIDSyncSupported   NotifyType = 16420
	IPsecReplayCounterSync        NotifyType = 16421
	IKEv2MessageIDSync            NotifyType = 16422
	IPsecReplayCounterSyncMessage NotifyType = 16423
	SecurePasswordMethods         NotifyType = 16424
	PSKPersist                    NotifyType = 16425
	PSKConfirm                    NotifyType = 16426
	ERXSupported                  NotifyType = 16427
	IFOMCapability                NotifyType = 16428
	SenderRequestID               NotifyType = 16429
	IKEv2FragmentationSupported   NotifyType = 16430
	SignatureHashAlgorithms       NotifyType = 16431
	CloneIKESASupported           NotifyType = 16432
	CloneIKESA                    NotifyType = 16433
	Puzzle                        NotifyType = 16434
	UsePPK                        NotifyType = 16435
	PPKIdentity                   NotifyType = 16436
	NoPPKAuth                     NotifyType = 16437
	IntermediateExchangeSupported NotifyType = 16438
	IP4Allowed                    NotifyType = 16439
	IP6Allowed                    NotifyType = 16440
	AdditionalKeyExchange         NotifyType = 16441
	UseAGGFRAG                    NotifyType = 16442
	SupportedAuthMethods          NotifyType = 16443
)

// String is the name in the registry.
func (t NotifyType) String() string {
	name := t.errorName()
	if !t.IsError() {
		name = t.statusName()
	}
	switch {
	case name != "":
		return name
	case t.IsError():
		return fmt.Sprintf("error %d", uint16(t))
	}
	return fmt.Sprintf("status %d", uint16(t))
}

func (t NotifyType) errorName() string {
	switch t {
	case UnsupportedCriticalPayload:
		return "UNSUPPORTED_CRITICAL_PAYLOAD"
	case InvalidIKESPI:
		return "INVALID_IKE_SPI"
	case InvalidMajorVersion:
		return "INVALID_MAJOR_VERSION"
	case InvalidSyntax:
		return "INVALID_SYNTAX"
	case InvalidMessageID:
		return "INVALID_MESSAGE_ID"
	case InvalidSPI:
		return "INVALID_SPI"
	case NoProposalChosen:
		return "NO_PROPOSAL_CHOSEN"
	case InvalidKEPayload:
		return "INVALID_KE_PAYLOAD"
	case AuthenticationFailed:
		return "AUTHENTICATION_FAILED"
	case SinglePairRequired:
		return "SINGLE_PAIR_REQUIRED"
	case NoAdditionalSAs:
		return "NO_ADDITIONAL_SAS"
	case InternalAddressFailure:
		return "INTERNAL_ADDRESS_FAILURE"
	case FailedCPRequired:
		return "FAILED_CP_REQUIRED"
	case TSUnacceptable:
		return "TS_UNACCEPTABLE"
	case InvalidSelectors:
		return "INVALID_SELECTORS"
	case UnacceptableAddresses:
		return "UNACCEPTABLE_ADDRESSES"
	case UnexpectedNATDetected:
		return "UNEXPECTED_NAT_DETECTED"
	case UseAssignedHoA:
		return "USE_ASSIGNED_HoA"
	case TemporaryFailure:
		return "TEMPORARY_FAILURE"
	case ChildSANotFound:
		return "CHILD_SA_NOT_FOUND"
	case InvalidGroupID:
		return "INVALID_GROUP_ID"
	case AuthorizationFailed:
		return "AUTHORIZATION_FAILED"
	case StateNotFound:
		return "STATE_NOT_FOUND"
	}
	return ""
}

func (t NotifyType) statusName() string {
	switch t {
	case InitialContact:
		return "INITIAL_CONTACT"
	case SetWindowSize:
		return "SET_WINDOW_SIZE"
	case AdditionalTSPossible:
		return "ADDITIONAL_TS_POSSIBLE"
	case IPCOMPSupported:
		return "IPCOMP_SUPPORTED"
	case NATDetectionSourceIP:
		return "NAT_DETECTION_SOURCE_IP"
	case NATDetectionDestinationIP:
		return "NAT_DETECTION_DESTINATION_IP"
	case Cookie:
		return "COOKIE"
	case UseTransportMode:
		return "USE_TRANSPORT_MODE"
	case HTTPCertLookupSupported:
		return "HTTP_CERT_LOOKUP_SUPPORTED"
	case RekeySA:
		return "REKEY_SA"
	case ESPTFCPaddingNotSupported:
		return "ESP_TFC_PADDING_NOT_SUPPORTED"
	case NonFirstFragmentsAlso:
		return "NON_FIRST_FRAGMENTS_ALSO"
	case MOBIKESupported:
		return "MOBIKE_SUPPORTED"
	case AdditionalIP4Address:
		return "ADDITIONAL_IP4_ADDRESS"
	case AdditionalIP6Address:
		return "ADDITIONAL_IP6_ADDRESS"
	case NoAdditionalAddresses:
		return "NO_ADDITIONAL_ADDRESSES"
	case UpdateSAAddresses:
		return "UPDATE_SA_ADDRESSES"
	case Cookie2:
		return "COOKIE2"
	case NoNATsAllowed:
		return "NO_NATS_ALLOWED"
	case AuthLifetime:
		return "AUTH_LIFETIME"
	case MultipleAuthSupported:
		return "MULTIPLE_AUTH_SUPPORTED"
	case AnotherAuthFollows:
		return "ANOTHER_AUTH_FOLLOWS"
	case RedirectSupported:
		return "REDIRECT_SUPPORTED"
	case Redirect:
		return "REDIRECT"
	case RedirectedFrom:
		return "REDIRECTED_FROM"
	case TicketLTOpaque:
		return "TICKET_LT_OPAQUE"
	case TicketRequest:
		return "TICKET_REQUEST"
	case TicketACK:
		return "TICKET_ACK"
	case TicketNACK:
		return "TICKET_NACK"
	case TicketOpaque:
		return "TICKET_OPAQUE"
	case LinkID:
		return "LINK_ID"
	case UseWESPMode:
		return "USE_WESP_MODE"
	case ROHCSupported:
		return "ROHC_SUPPORTED"
	case EAPOnlyAuthentication:
		return "EAP_ONLY_AUTHENTICATION"
	case ChildlessIKEv2Supported:
		return "CHILDLESS_IKEV2_SUPPORTED"
	case QuickCrashDetection:
		return "QUICK_CRASH_DETECTION"
	case IKEv2MessageIDSyncSupported:
		return "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"
	case IPsecReplayCounterSync:
		return "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED"
	case IKEv2MessageIDSync:
		return "IKEV2_MESSAGE_ID_SYNC"
	case IPsecReplayCounterSyncMessage:
		return "IPSEC_REPLAY_COUNTER_SYNC"
	case SecurePasswordMethods:
		return "SECURE_PASSWORD_METHODS"
	case PSKPersist:
		return "PSK_PERSIST"
	case PSKConfirm:
		return "PSK_CONFIRM"
	case ERXSupported:
		return "ERX_SUPPORTED"
	case IFOMCapability:
		return "IFOM_CAPABILITY"
	case SenderRequestID:
		return "SENDER_REQUEST_ID"
	case IKEv2FragmentationSupported:
		return "IKEV2_FRAGMENTATION_SUPPORTED"
	case SignatureHashAlgorithms:
		return "SIGNATURE_HASH_ALGORITHMS"
	case CloneIKESASupported:
		return "CLONE_IKE_SA_SUPPORTED"
	case CloneIKESA:
		return "CLONE_IKE_SA"
	case Puzzle:
		return "PUZZLE"
	case UsePPK:
		return "USE_PPK"
	case PPKIdentity:
		return "PPK_IDENTITY"
	case NoPPKAuth:
		return "NO_PPK_AUTH"
	case IntermediateExchangeSupported:
		return "INTERMEDIATE_EXCHANGE_SUPPORTED"
	case IP4Allowed:
		return "IP4_ALLOWED"
	case IP6Allowed:
		return "IP6_ALLOWED"
	case AdditionalKeyExchange:
		return "ADDITIONAL_KEY_EXCHANGE"
	case UseAGGFRAG:
		return "USE_AGGFRAG"
	case SupportedAuthMethods:
		return "SUPPORTED_AUTH_METHODS"
	}
	return ""
}
