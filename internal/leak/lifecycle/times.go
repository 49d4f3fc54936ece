package lifecycle

// The times for which a leak is watched before something counts, in base blocks.
const (
	// tenMinutes is for how long growth has no shape yet, an instance must be known to be
	// gone, a leak must be quiet, and a lower estimate must last. While Prometheus
	// starts, its list of targets is incomplete for a minute or two.
	tenMinutes = 10
	// halfHour is how long a suspicion is kept that no longer grows, after how long
	// without growth a leak may plateau, and how much earlier than the end of an
	// instance its replacement may have started, as in a rolling update.
	halfHour = 30
	// twoHours is how long an instance of unknown presence must be missing while a
	// younger one has taken its place.
	twoHours = 120
	// quarterDay is how long a stack must grow as no healthy one does where healthy
	// goroutines do not wait for long, and the longest time that a leak must be quiet. A
	// rollout ends processes one after another within that.
	quarterDay = 360
	// halfDay is how long growth that no stack explains does not fire while profiles
	// come, and how long the trend waits after a restart.
	halfDay = 720
	// day is as long as every hour of the day takes to be seen: how long a stack must
	// grow as no healthy one does, and a leak stays open without samples.
	day = 1440
)
