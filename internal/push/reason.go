package push

import "net/http"

// Reason is why a profile or a whole request was dropped.
type Reason string

// The reasons, a closed set.
const (
	ReasonOff         Reason = "off"          // profiles.push.enabled is not set
	ReasonNotReady    Reason = "not_ready"    // the first evaluation is not done
	ReasonRate        Reason = "rate"         // the sender sends too many requests
	ReasonBandwidth   Reason = "bandwidth"    // the sender sends too many bytes
	ReasonSeries      Reason = "series"       // the sender has too many label sets
	ReasonSenders     Reason = "senders"      // there are too many senders
	ReasonBusy        Reason = "busy"         // too many requests at the same time, or no memory to decode
	ReasonContentType Reason = "content_type" // neither a form nor a protocol buffer
	ReasonTooLarge    Reason = "too_large"    // the request, or what it decompresses to
	ReasonBadRequest  Reason = "bad_request"  // the request cannot be read
	ReasonBadLabels   Reason = "bad_labels"   // they cannot be those of an instance
	ReasonBadProfile  Reason = "bad_profile"  // the profile cannot be read
	ReasonOtherKind   Reason = "other_kind"   // not a goroutine profile
	ReasonRelabel     Reason = "relabel"      // profiles.push.relabel_configs drops it
	ReasonUnknown     Reason = "unknown_instance"
	ReasonAmbiguous   Reason = "ambiguous_instance"
	ReasonReplayed    Reason = "replayed"
	ReasonOutOfOrder  Reason = "out_of_order"
	ReasonTooOld      Reason = "too_old"
	ReasonFuture      Reason = "future"
	ReasonCanceled    Reason = "canceled" // the client left
)

// answers are the answers for each reason. The codes are those of Connect; of those that ask a
// client to try again, only resource_exhausted and unavailable are used.
var answers = map[Reason]struct {
	status int
	code   string
}{
	ReasonOff:         {http.StatusForbidden, "permission_denied"},
	ReasonNotReady:    {http.StatusServiceUnavailable, "unavailable"},
	ReasonRate:        {http.StatusTooManyRequests, "resource_exhausted"},
	ReasonBandwidth:   {http.StatusTooManyRequests, "resource_exhausted"},
	ReasonSeries:      {http.StatusUnprocessableEntity, "failed_precondition"},
	ReasonSenders:     {http.StatusTooManyRequests, "resource_exhausted"},
	ReasonBusy:        {http.StatusServiceUnavailable, "unavailable"},
	ReasonContentType: {http.StatusUnsupportedMediaType, "unimplemented"},
	ReasonTooLarge:    {http.StatusRequestEntityTooLarge, "invalid_argument"},
	ReasonBadRequest:  {http.StatusBadRequest, "invalid_argument"},
	ReasonBadLabels:   {http.StatusBadRequest, "invalid_argument"},
	ReasonBadProfile:  {http.StatusBadRequest, "invalid_argument"},
	ReasonOtherKind:   {http.StatusOK, ""},
	ReasonRelabel:     {http.StatusOK, ""},
	ReasonUnknown:     {http.StatusNotFound, "not_found"},
	ReasonAmbiguous:   {http.StatusUnprocessableEntity, "failed_precondition"},
	ReasonReplayed:    {http.StatusConflict, "already_exists"},
	ReasonOutOfOrder:  {http.StatusConflict, "already_exists"},
	ReasonTooOld:      {http.StatusUnprocessableEntity, "out_of_range"},
	ReasonFuture:      {http.StatusUnprocessableEntity, "out_of_range"},
	ReasonCanceled:    {http.StatusRequestTimeout, "canceled"},
}

// problem is why something was dropped, with a sentence for people.
type problem struct {
	reason Reason
	text   string
}

// Error returns the sentence.
func (p *problem) Error() string { return p.text }

func drop(r Reason, text string) *problem { return &problem{r, text} }
